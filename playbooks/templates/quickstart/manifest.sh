#!/bin/sh
# Writes size and checksum of every file of a release: manifest FOLDER OUTPUT
set -eu
cd "$1"
for file in *; do
    cksum "$file"
done > "$2.new"
mv "$2.new" "$2"
