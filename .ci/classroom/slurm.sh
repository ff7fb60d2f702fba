#!/bin/sh
# A class graded by Slurm, in four parts. Each node needs the course, the submissions, Rust and bubblewrap, at the same paths as
# here. From the course's directory:
#   sbatch --wait .ci/classroom/slurm.sh SUBMISSIONS --to GRADES
#   cargo run --locked -- merge GRADES --to GRADES
# What has a grade is not graded again: after an interruption, the same two commands. One part alone: sbatch --array=3 ...
#SBATCH --job-name=grade
#SBATCH --array=1-4
#SBATCH --cpus-per-task=2
#SBATCH --output=grade-%a.log
exec cargo run --locked -- grade --shard "$SLURM_ARRAY_TASK_ID/4" --jobs "$SLURM_CPUS_PER_TASK" "$@"
