# Completion of varve in bash. To have it always:
#   varve completion bash > ~/.local/share/bash-completion/completions/varve
_varve() {
    local word
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _varve varve
