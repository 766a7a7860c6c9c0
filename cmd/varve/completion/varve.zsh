#compdef varve
# Completion of varve in zsh. To have it always, put it into a folder of fpath:
#   varve completion zsh > ~/.zfunc/_varve
_varve() {
    local -a found
    found=("${(@f)$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "${found[1]}" ]]; then
        compadd -- "${found[@]}"
    else
        _files
    fi
}
if [[ "${funcstack[1]}" == _varve ]]; then
    _varve "$@"
else
    compdef _varve varve
fi
