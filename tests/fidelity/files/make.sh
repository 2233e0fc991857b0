#!/bin/sh
mkdir "$1" && echo made >"$1/by-script"
