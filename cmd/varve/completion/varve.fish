# Completion of varve in fish. To have it always:
#   varve completion fish > ~/.config/fish/completions/varve.fish
function __varve_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] complete -- $words[2..-1] 2>/dev/null
end
complete -c varve -a '(__varve_complete)'
