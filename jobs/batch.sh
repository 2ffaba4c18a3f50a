# shellcheck shell=bash
# Sourced by the batch scripts of this folder: the environment of a rank, and what makes a run stop in time and come back.

rhoflux_signals=0 rhoflux_for_good=0 rhoflux_program="" rhoflux_stopper=""

# Passes a signal on as USR1, again and again until the program has ended: one that comes while ranks are being started is
# lost. A signal before the program has begun is kept for it.
rhoflux_forward() {
  if [ "$rhoflux_signals" -eq 0 ] || [ -z "$rhoflux_program" ] || [ -n "$rhoflux_stopper" ]; then return 0; fi
  while sleep 1 && kill -USR1 "$rhoflux_program"; do sleep 4; done > /dev/null 2>&1 &
  rhoflux_stopper=$!
}
# USR1: stop and come back. Others: stop for good.
trap 'rhoflux_signals=$((rhoflux_signals + 1)); rhoflux_forward' USR1
trap 'rhoflux_signals=$((rhoflux_signals + 1)); rhoflux_for_good=1; rhoflux_forward' TERM INT HUP

# A rank has as many threads as SLURM gives it processors.
export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-${OMP_NUM_THREADS:-1}}"
if [ -n "${SLURM_CPUS_PER_TASK:-}" ]; then export SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"; fi  # srun does not inherit it
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

# The program: RHOFLUX, or what was built here, or what is installed.
rhoflux="${RHOFLUX:-build/release/src/apps/rhoflux}"
if [ -z "${RHOFLUX:-}" ] && [ ! -x "$rhoflux" ] && command -v rhoflux > /dev/null; then rhoflux=rhoflux; fi
if [ ! -x "$rhoflux" ] && ! command -v "$rhoflux" > /dev/null; then
  echo "$0: no program $rhoflux; build it (docs/building.md) or set RHOFLUX" >&2
  exit 2
fi

# Processors of a job of SLURM, which says "16(x2),8" for 16, 16 and 8.
rhoflux_allocated() {
  tr ',' '\n' <<< "${SLURM_JOB_CPUS_PER_NODE:-0}" | awk -F'[(x)]+' '{sum += $1 * ($2 == "" ? 1 : $2)} END {print sum}'
}

# A job that was put back and has come back with fewer nodes has fewer ranks; SLURM_NTASKS is that of the first start.
if [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ] && [ -n "${SLURM_NTASKS:-}" ]; then
  rhoflux_room=$(($(rhoflux_allocated) / ${SLURM_CPUS_PER_TASK:-1}))
  if [ "$rhoflux_room" -gt 0 ] && [ "$rhoflux_room" -lt "$SLURM_NTASKS" ]; then
    echo "$rhoflux_room ranks instead of $SLURM_NTASKS: that is what ${SLURM_JOB_NUM_NODES:-1} nodes have room for"
    export SLURM_NTASKS="$rhoflux_room" SLURM_NPROCS="$rhoflux_room"
  fi
fi

# How ranks are started; for the MPI of your site perhaps LAUNCH="srun --mpi=pmix".
ranks="${rhoflux_pbs_ranks:-${SLURM_NTASKS:-$((${SLURM_NTASKS_PER_NODE:-2} * ${SLURM_JOB_NUM_NODES:-1}))}}"
read -r -a launch <<< "${LAUNCH:-mpirun -n $ranks $(rhoflux_binding)}"

# Whether process $1 has had a child that has ended: the page faults of those it has waited for are in its stat.
rhoflux_has_had_child() {
  local line numbers
  read -r line 2> /dev/null < "/proc/$1/stat" || return 1
  read -r -a numbers <<< "${line##*) }"  # from the state on, behind a name that may have blanks
  [ "${numbers[8]}" -gt 0 ]
}

# Ends a launcher that goes on alone, $1: its process. The mpirun of Open MPI 4 can wait for ever if a rank was killed while it
# started (a lock of PMIx 4.2 at its very end); the job would hold its nodes until the time limit. Ranks, or the daemons of
# other nodes, are children of mpirun, so that one that has had children and has none for a minute has nothing to wait for.
rhoflux_watch() {
  local had=0 alone=0 step=5 children most="${RHOFLUX_LAUNCHER_ALONE:-60}"
  if [ "$most" -lt "$step" ]; then step=1; fi
  while sleep "$step" > /dev/null 2>&1 && kill -0 "$1" 2> /dev/null; do
    children=$(cat /proc/[0-9]*/status 2> /dev/null | awk -v parent="$1" '$1 == "State:" {state = $2 == "Z" ? "ended" : "alive"}
      $1 == "PPid:" && $2 == parent && found != "alive" {found = state} END {print found}' || true)
    # Ranks that are killed while they start are there for a moment only, between two looks.
    if [ -n "$children" ] || rhoflux_has_had_child "$1"; then had=1; fi
    if [ "$children" = alive ]; then
      alone=0
    elif [ "$had" -eq 1 ]; then
      alone=$((alone + step))
      if [ "$alone" -ge "$most" ]; then
        echo "$0: ${launch[*]} goes on although all ranks have ended; it is killed" >&2
        kill -KILL "$1" 2> /dev/null
      fi
    fi
  done
}

# Runs the program under the launcher and waits for it; gives its exit code. A signal to this script becomes a USR1 for the
# launcher; Open MPI and srun hand it on to the ranks. These agree on a step, write a checkpoint and end with code 75. (Open MPI
# answers TERM by killing the ranks a second later, too soon for a checkpoint. A plain scancel sends TERM to all processes of a
# job; `scancel --batch --signal=INT JOB` sends INT to this script alone, which stops the job for good, with a checkpoint.)
rhoflux_run() {
  local before code watcher=""
  # The launcher and the ranks ignore USR1 until they have their own answer to it.
  (
    trap '' USR1
    # shellcheck disable=SC2016  # expanded by the shell of each rank
    exec "${launch[@]}" bash -c 'trap "" USR1; exec "$@"' rhoflux "$rhoflux" "$@"
  ) &
  rhoflux_program=$!
  case " ${launch[*]} " in
    *mpirun\ * | *mpiexec\ *)  # ranks of srun are no children of it
      rhoflux_watch "$rhoflux_program" &
      watcher=$!
      ;;
  esac
  rhoflux_forward
  while true; do
    before=$rhoflux_signals
    code=0
    wait "$rhoflux_program" || code=$?
    # A signal ends the wait, not the program.
    if [ "$rhoflux_signals" -eq "$before" ]; then break; fi
  done
  if [ -n "$rhoflux_stopper" ]; then kill "$rhoflux_stopper" 2> /dev/null || true; fi
  if [ -n "$watcher" ]; then kill "$watcher" 2> /dev/null || true; fi
  rhoflux_program=""  # what comes after it has no ranks to signal
  # Killed by our own USR1 (128 + 10): nothing is lost but the steps since the last checkpoint.
  if [ "$rhoflux_signals" -gt 0 ] && [ "$code" -eq 138 ]; then code=75; fi
  return "$code"
}

# Gives this job back to SLURM (to PBS in pbs_batch.sh), and says so: $1.
rhoflux_put_back() {
  local state restarts
  if [ -z "${SLURM_JOB_ID:-}" ]; then
    echo "not in a queue; start the same again to go on"
    return 0
  fi
  state=$(squeue --noheader --job "$SLURM_JOB_ID" --format %T 2> /dev/null) || state=""
  if [ -n "$state" ] && [ "$state" != RUNNING ]; then
    echo "SLURM is ending this job itself ($state)"
    return 0
  fi
  # A node that was cut off asks when its network is back, and the job may run elsewhere by then.
  restarts=$(scontrol --oneliner show job "$SLURM_JOB_ID" 2> /dev/null |
    awk -v id="JobId=$SLURM_JOB_ID" '$1 == id {for (k = 2; k <= NF; ++k) if (sub(/^Restarts=/, "", $k)) print $k}') || restarts=""
  if [ -n "$restarts" ] && [ "$restarts" != "${SLURM_RESTART_COUNT:-0}" ]; then
    echo "SLURM has started this job anew already (restart $restarts)"
    return 0
  fi
  echo "$1"
  scontrol requeue "$SLURM_JOB_ID" || echo "SLURM did not put the job back; submit the same again to go on" >&2
}

# Puts this job back into the queue, to be called when the program ended with 75. A run that makes no progress at all would
# go on for ever, so that there is a limit.
rhoflux_requeue() {
  local most="${MOST_RESTARTS:-100}" restarts="${SLURM_RESTART_COUNT:-${RHOFLUX_RESTARTS:-0}}"
  if [ "$rhoflux_for_good" -eq 1 ]; then
    echo "stopped for good, not back into the queue; submit the same again to go on"
    return 0
  fi
  if [ "$restarts" -ge "$most" ]; then
    echo "restarted $most times already (MOST_RESTARTS), not again; submit the same again to go on" >&2
    return 0
  fi
  rhoflux_put_back "$(date '+%F %T') back into the queue after restart $restarts"
}

# The newest checkpoint in a directory, $1; nothing where there is none.
rhoflux_newest() {
  local files=("$1"/checkpoint_[0-9]*.h5)
  if [ -e "${files[-1]}" ]; then basename "${files[-1]}"; fi
}

# Whether an exit code, $1, is not one of the program's own answers to what it was given: ranks were killed, or do not answer.
rhoflux_has_lost_ranks() {
  case "$1" in 0 | 2 | 3 | 4 | 6 | 75) return 1 ;; esac
}

# Puts a job that has lost ranks back into the queue, unless that happened again and again before a new checkpoint was
# written: then the fault is not one of a machine. $1: the checkpoint directory, $2: its newest checkpoint before this start.
rhoflux_come_back() {
  local directory=$1 before=$2 newest starts=0 most="${MOST_LOST_STARTS:-3}"
  newest=$(rhoflux_newest "$directory")
  if [ "$newest" = "$before" ]; then
    starts=$(cat "$directory/.lost_starts" 2> /dev/null) || starts=0
    starts=$((starts + 1))
  fi
  if [ "$starts" -ge "$most" ]; then
    echo "lost ranks in $starts starts without a new checkpoint (MOST_LOST_STARTS), not again; submit the same again to go on" >&2
    rm -f "$directory/.lost_starts"
    return 0
  fi
  mkdir -p "$directory"
  echo "$starts" > "$directory/.lost_starts"
  rhoflux_requeue
}

# Without a deck, says how a script is called. $1: the command of the user.
rhoflux_need_deck() {
  if [ $# -gt 1 ]; then return 0; fi
  echo "usage: $1 DECK [--section.key=value ...]" >&2
  exit 2
}

# The checkpoint directory of a run. $1: the deck; the rest are settings of the command line, of which the last one counts.
rhoflux_directory() {
  local deck=$1 directory argument
  directory=$(awk -F= '{sub(/#.*/, "")} /^[ \t]*\[/ {section = $0; gsub(/[][ \t\r]/, "", section)}
    section == "checkpoint" && $1 ~ /^[ \t]*directory[ \t]*$/ {sub(/^[^=]*=[ \t]*/, ""); sub(/[ \t\r]+$/, ""); found = $0}
    END {print found == "" ? "output" : found}' "$deck")
  for argument in "$@"; do
    case "$argument" in --checkpoint.directory=*) directory=${argument#*=} ;; esac
  done
  echo "$directory"
}

# Seconds until the time limit of this job; nothing where there is none.
rhoflux_seconds_left() {
  if [ -z "${SLURM_JOB_ID:-}" ]; then return 0; fi
  squeue --noheader --job "$SLURM_JOB_ID" --format %L 2> /dev/null | awk '/^[0-9:-]+$/ {
    days = 0; if (split($0, part, "-") == 2) {days = part[1]; $0 = part[2]}
    n = split($0, part, ":"); for (k = 1; k <= n; ++k) left = 60 * left + part[k]
    print left + 86400 * days; exit}' || true
}

# Waits for the report, $1: its process; a signal that stops the job for good ends it.
rhoflux_wait_for_report() {
  local before code
  while true; do
    before=$rhoflux_signals
    code=0
    wait "$1" || code=$?
    if [ "$rhoflux_signals" -eq "$before" ]; then return "$code"; fi
    if [ "$rhoflux_for_good" -eq 1 ]; then kill "$1" 2> /dev/null || true; fi
  done
}

# Writes report.html into the checkpoint directory of a run that has come to its end, $@: what `rhoflux train` was given. What
# fails here is said and does not matter to the job. REPORT_SECONDS=N lets it take N seconds (600); 0: no report.
rhoflux_report() {
  local directory script left python=python3 seconds="${REPORT_SECONDS:-600}"
  case " $* " in *" --check "* | *" --help "* | *" -h "*) return 0 ;; esac
  if [ "$seconds" -eq 0 ]; then return 0; fi
  directory=$(rhoflux_directory "$@")
  script="$(dirname "${BASH_SOURCE[0]}")/../tools/report.py"
  # The Python of the system may have what the one of PATH has not.
  if ! "$python" -c 'import h5py, matplotlib' 2> /dev/null; then python=/usr/bin/python3; fi
  if ! "$python" -c 'import h5py, matplotlib' 2> /dev/null; then
    echo "no report: no Python with h5py and matplotlib; where there is one: tools/report.py $directory" >&2
    return 0
  fi
  left=$(rhoflux_seconds_left)
  if [ -n "$left" ] && [ $((left - 60)) -lt "$seconds" ]; then seconds=$((left - 60)); fi
  if [ "$seconds" -lt 30 ]; then
    echo "no report: the time of the job is nearly over; later: tools/report.py $directory" >&2
    return 0
  fi
  # Sections that do not get their turn in time are left out; the page is written.
  RHOFLUX="$rhoflux" timeout "$seconds" "$python" "$script" "$directory" --time-limit $((seconds - 15)) &
  rhoflux_wait_for_report $! || echo "no report (exit code $?); later: tools/report.py $directory" >&2
}

# A run that the same command continues, and the end of the script. $1: the command of the user; the rest is for `rhoflux train`.
rhoflux_train_once() {
  local command=$1 code=0
  shift
  rhoflux_need_deck "$command" "$@"
  rhoflux_run train "$@" --restart auto || code=$?
  if [ "$code" -eq 75 ]; then echo "stopped with a checkpoint; to continue: $command $*"; fi
  if rhoflux_has_lost_ranks "$code"; then
    echo "ranks were lost (exit code $code); to continue from the newest checkpoint: $command $*" >&2
  fi
  if [ "$code" -eq 0 ]; then rhoflux_report "$@" || true; fi
  exit "$code"
}

# A run that puts its job back into the queue until it is done, and the end of the script.
rhoflux_train_to_the_end() {
  local code=0 directory before
  directory=$(rhoflux_directory "$@")
  before=$(rhoflux_newest "$directory")
  rhoflux_run train "$@" --restart auto || code=$?
  if [ "$code" -eq 75 ]; then rhoflux_requeue; fi
  if rhoflux_has_lost_ranks "$code"; then
    echo "ranks were lost (exit code $code); the newest checkpoint: $(rhoflux_newest "$directory")" >&2
    rhoflux_come_back "$directory" "$before"
  fi
  if [ "$code" -eq 0 ]; then
    rm -f "$directory/.lost_starts"
    rhoflux_report "$@" || true
  fi
  exit "$code"
}
