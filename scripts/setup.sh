#!/usr/bin/env bash
# Makes a clone ready to build and run, and with --for-tests to test. Safe to run again: it does only what is still
# missing, and says what.
#   1. the npm packages of package-lock.json, among them the Node that everything here runs on;
#   2. for the tests: what they hold our output against, as Debian packages, with apt where that is possible.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# command or path that must exist : Debian package that has it
needed_for_tests=(
  'openssl:openssl'
  '/usr/lib/python3/dist-packages/cryptography_vectors/x509/PKITS_data:python3-cryptography-vectors' # NIST PKITS
)

main() {
  case ${1-} in
    '' | --for-tests) ;;
    *) fail "unknown option $1" 'run it without options, or with --for-tests' ;;
  esac
  require_npm
  install_npm_packages
  [[ ${1-} == --for-tests ]] && install_system_packages
  return 0
}

say() { printf 'setup: %s\n' "$*" >&2; }

fail() {
  say "$1"
  say "next: $2"
  exit 1
}

require_npm() {
  command -v npm >/dev/null && command -v node >/dev/null ||
    fail 'npm and node were not found' 'install Node 20 or newer with npm (Debian: apt-get install npm; others: nodejs.org)'
  local version
  version=$(node -p process.versions.node)
  ((${version%%.*} >= 20)) ||
    fail "node is version $version; 20 or newer is needed to install the rest" 'install a newer Node from nodejs.org'
}

install_system_packages() {
  local missing=() entry
  for entry in "${needed_for_tests[@]}"; do
    exists "${entry%%:*}" || missing+=("${entry#*:}")
  done
  ((${#missing[@]} == 0)) && return
  command -v apt-get >/dev/null ||
    fail "missing for the tests: ${missing[*]}" 'this is no Debian system: install them with its own package manager, then run this again'
  ((EUID == 0)) || fail "missing for the tests: ${missing[*]}" "as root: apt-get install ${missing[*]}; then run this again"
  say "installing Debian packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get install --yes --no-install-recommends -qq "${missing[@]}" >/dev/null ||
    { apt-get update -qq >/dev/null && apt-get install --yes --no-install-recommends -qq "${missing[@]}" >/dev/null; } ||
    fail 'apt-get could not install them' "try it by hand: apt-get update && apt-get install ${missing[*]}"
}

exists() {
  case $1 in
    /*) [[ -e $1 ]] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# A stamp tells what was installed completely: an interrupted install, another lock file or a folder that came from
# another kind of machine is installed anew.
install_npm_packages() {
  local stamp=node_modules/.setup-stamp wanted
  wanted="$(uname -sm) $(cksum <package-lock.json)"
  if [[ -f $stamp && $(<"$stamp") == "$wanted" ]] && node_modules/.bin/node --version >/dev/null 2>&1; then
    return
  fi
  say 'installing npm packages (a minute or so)'
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 ||
    fail 'npm ci failed' 'read the lines above; npm needs to reach its registry, and this folder must be writable'
  # The one install script that is needed: it fetches the Node of this machine's kind.
  npm rebuild node --foreground-scripts --loglevel=error >/dev/null ||
    fail 'the Node of devDependencies could not be fetched' 'run "npm rebuild node" and read what it says'
  node_modules/.bin/node --version >/dev/null ||
    fail 'the Node of devDependencies does not run here' 'run "npm rebuild node" and read what it says'
  printf '%s\n' "$wanted" >"$stamp"
  say "ready: Node $(node_modules/.bin/node -p process.versions.node)"
}

main "$@"
