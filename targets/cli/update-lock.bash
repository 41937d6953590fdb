# Completion of update-lock's command line, for bash. What there is to complete is what the program's help says.
# shellcheck shell=bash

# What a command line may begin with.
_update_lock_commands() {
    "$program" help 2>/dev/null | sed -nE 's/^  update-lock (\[--lock PATH\] )?([a-z-]+).*/\2/p'
}

# The options of a command, each with what stands for its value, if it takes one.
_update_lock_options() {
    "$program" help "$1" 2>/dev/null | sed -n 's/^  -/-/p'
}

# What stands for an option's value; nothing for a switch.
_update_lock_placeholder() {
    local name value
    while read -r name value; do
        [ "$name" != "$1" ] || echo "$value"
    done <<<"$options"
}

# Offers those of some words that begin as the one before the cursor.
_update_lock_offer() {
    mapfile -t COMPREPLY < <(compgen "$@" -- "$word")
}

# Offers values, by what stands for one in the help. The names of files are readline's own business.
_update_lock_values() {
    case $1 in
        HOW) _update_lock_offer -W 'retake stop ignore' ;;
        PID) _update_lock_offer -W "$(cd /proc && echo [0-9]*)" ;;
        COMMAND) _update_lock_offer -c ;;
        PATH) compopt -o default ;;
    esac
}

_update_lock() {
    local program=${1/#\~/$HOME} word=$2 at=0 command='' options='--lock PATH' value
    COMPREPLY=()
    # Walks over the words before the cursor's. bash makes words of `=` and `:`, too.
    while ((++at < COMP_CWORD)); do
        case ${COMP_WORDS[at]} in
            --)
                ((at++))
                break
                ;;
            -*)
                value=$(_update_lock_placeholder "${COMP_WORDS[at]}")
                [ -n "$value" ] || continue
                [ "${COMP_WORDS[at + 1]}" != = ] || ((at++))
                ((at++))
                while [ "${COMP_WORDS[at + 1]}" = : ]; do ((at += 2)); done
                ;;
            *)
                [ -z "$command" ] || break
                command=${COMP_WORDS[at]}
                options=$(_update_lock_options "$command")
                ;;
        esac
    done

    if ((at > COMP_CWORD)); then
        _update_lock_values "$value"
    elif [ -z "$command" ]; then
        _update_lock_offer -W "$(_update_lock_commands) --lock --help"
    elif [ "$command" = help ]; then
        _update_lock_offer -W "$(_update_lock_commands | grep -vx -e help -e --version)"
    elif ((at < COMP_CWORD)); then
        compopt -o default # an argument of what is run
    elif [ "${COMP_WORDS[at - 1]}" = -- ] || [ "$command" = run ] && [[ $word == [!-]* ]]; then
        _update_lock_offer -c
    else
        _update_lock_offer -W "$(cut -d' ' -f1 <<<"$options")"
    fi
}

complete -F _update_lock update-lock
