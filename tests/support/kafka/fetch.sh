#!/bin/sh
# Puts the jars of a Kafka broker into .data/kafka-libs, for the tests that need a real one. Needs Maven and Java 17.
# Does nothing when the jars of this pom.xml are there already.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
libs=$here/../../../.data/kafka-libs
stamp=$libs/pom.xml
if cmp -s "$here/pom.xml" "$stamp"; then exit 0; fi
rm -rf "$libs"
mkdir -p "$libs"
mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$libs"
# Copied last: a download that was cut short is begun anew.
cp "$here/pom.xml" "$stamp"
