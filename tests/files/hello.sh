#!/bin/sh -e
echo "hello $1"
