#!/bin/sh
# A class graded by GNU parallel on machines that ssh reaches, in four parts. Each machine needs the course, the submissions, Rust
# and bubblewrap, at the same paths as here; MACHINES is a file with the name of one in each line. From the course's directory:
#   .ci/classroom/parallel.sh MACHINES SUBMISSIONS --to GRADES
#   cargo run --locked -- merge GRADES --to GRADES
# What has a grade is not graded again: after an interruption, the same two commands.
machines=$1
shift
# A part has all cores of its machine.
exec parallel --sshloginfile "$machines" --jobs 1 --workdir "$PWD" --env PATH --quote --tag --line-buffer \
    cargo run --locked -- grade --shard {}/4 "$@" ::: 1 2 3 4
