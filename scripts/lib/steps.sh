# shellcheck shell=bash
# Named, timed steps, a summary of them, and the promise that none leaves a process behind. To be sourced.

STEP_LINES=()
STEP_FAILED=0
STEP_STARTED=$SECONDS

# step NAME COMMAND...: runs the command under a heading and notes how it went. Callers test its result, which
# switches `set -e` off inside: a function that is given here chains its commands itself.
step() {
    local name="$1" started=$SECONDS status=0
    shift
    printf '\n==> %s\n' "$name"
    "$@" || status=$?
    local seconds=$((SECONDS - started))
    if [ "$status" = 0 ]; then
        printf '<== %s: %d s\n' "$name" "$seconds"
        STEP_LINES+=("$(printf 'ok       %4d s  %s' "$seconds" "$name")")
    else
        printf '<== %s: FAILED with exit code %d after %d s\n' "$name" "$status" "$seconds"
        STEP_LINES+=("$(printf 'FAILED   %4d s  %s' "$seconds" "$name")")
        STEP_FAILED=1
    fi
    return "$status"
}

# skip NAME REASON: notes a step that cannot run here. In CI nothing may be skipped.
skip() {
    printf '\n==> %s\n    skipped: %s\n' "$1" "$2"
    STEP_LINES+=("$(printf 'skipped          %s: %s' "$1" "$2")")
    [ "${CI:-}" != true ] || STEP_FAILED=1
}

# summary TITLE: prints what ran, what was skipped and why, and fails when a step failed.
summary() {
    printf '\n==> %s\n' "$1"
    printf '    %s\n' "${STEP_LINES[@]}"
    printf '    in all %6d s\n' $((SECONDS - STEP_STARTED))
    [ "$STEP_FAILED" = 0 ]
}

# Marks every process started from here on; `stop_strays` finds them by the mark wherever they have gone.
mark_processes() {
    export LLMUX_RUN_MARK="$$-${RANDOM}${RANDOM}"
}

# Ends what the steps have left running, and fails when there was any.
stop_strays() {
    local pids pid
    pids="$(strays)"
    [ -n "$pids" ] || return 0
    for pid in $pids; do
        printf '    left running, ended now: %s %s\n' "$pid" "$(ps -o args= -p "$pid" 2>/dev/null)"
    done
    # shellcheck disable=SC2086
    kill $pids 2>/dev/null || true
    for _ in $(seq 50); do
        pids="$(strays)"
        [ -n "$pids" ] || return 1
        sleep 0.1
    done
    # shellcheck disable=SC2086
    kill -9 $pids 2>/dev/null || true
    return 1
}

# The marked processes; only Linux shows the environment of a process. The subshell hides the mark from the
# commands that look for it.
strays() (
    mark="$LLMUX_RUN_MARK"
    unset LLMUX_RUN_MARK
    grep -lzx "LLMUX_RUN_MARK=$mark" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 || true
)
