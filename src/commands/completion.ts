// `understudy completion`: a bash completion script; zsh reads it through bashcompinit.

import { EXIT } from './exit-code.js';
import type { Terminal } from './terminal.js';

const COMMANDS =
  'run status top mode validate promote drain restart logs why reload upgrade stop chaos check init doctor completion';

const SCRIPT = `# bash: source <(understudy completion)    zsh: autoload -U bashcompinit && bashcompinit, then the same
_understudy() {
  local word=\${COMP_WORDS[COMP_CWORD]} verb=\${COMP_WORDS[1]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${COMMANDS} --validation --no-validation --help --version" -- "$word"))
    return
  fi
  case $verb in
    mode) COMPREPLY=($(compgen -W "production validation --wait --dry-run" -- "$word")) ;;
    promote | drain | restart | logs | why)
      local names
      names=$(understudy status 2>/dev/null | awk '/^backend/ { rows = 1; next } rows && $1 != "" && !/^ / { print $1 }')
      COMPREPLY=($(compgen -W "$names" -- "$word"))
      ;;
    *) COMPREPLY=($(compgen -f -W "--config --port --admin-port" -- "$word")) ;;
  esac
}
complete -F _understudy understudy
`;

export function runCompletion(terminal: Terminal): Promise<number> {
  terminal.stdout.write(SCRIPT);
  return Promise.resolve(EXIT.done);
}
