#!/usr/bin/env bash
# Makes a clone ready to build and run, with --full also to sign users in to real servers, with --for-tests to test. Safe
# to run again: it does only what is still missing, and says what.
#   1. the npm packages of package-lock.json, among them the Node that everything here runs on;
#   2. in full: a directory (Samba) and Kerberos servers and clients (MIT) to sign in to, as Debian packages, with apt
#      where that is possible; no server is left running;
#   3. for the tests: those, and what the tests hold our output against;
#   4. the native half of pkcs11js, which needs a C++ compiler and is needed for PKCS#11 tokens alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# command or path (or pattern of one) that must exist : Debian package that has it
needed_for_tests=(
  '/usr/lib/python3/dist-packages/cryptography_vectors/x509/PKITS_data:python3-cryptography-vectors' # NIST PKITS
  'g++:g++'
  'make:make'
  'python3:python3'
  'softhsm2-util:softhsm2'
  'pkcs11-tool:opensc'
  'certutil:libnss3-tools'
  'swtpm:swtpm'
  'swtpm_setup:swtpm-tools'
  'tpm2_getcap:tpm2-tools'
  '/usr/lib/*/ossl-modules/tpm2.so:tpm2-openssl'
  '/usr/include/tss2/tss2_mu.h:libtss2-dev'
)
needed_to_sign_in=(
  'openssl:openssl'
  '/usr/sbin/samba:samba-ad-dc'
  '/usr/bin/samba-tool:samba-common-bin'
  '/usr/share/samba/setup/ad-schema:samba-ad-provision'
  '/usr/lib/*/samba/ldb/samba_dsdb.so:samba-dsdb-modules'
  '/usr/lib/*/samba/vfs/acl_xattr.so:samba-vfs-modules'
  '/usr/bin/ldbmodify:ldb-tools'
  '/usr/sbin/krb5kdc:krb5-kdc'
  '/usr/sbin/kadmin.local:krb5-admin-server'
  '/usr/lib/*/krb5/plugins/preauth/pkinit.so:krb5-pkinit'
  '/usr/bin/kinit:krb5-user'
  '/usr/bin/ldapsearch:ldap-utils'
  '/usr/lib/*/sasl2/libgssapiv2.so:libsasl2-modules-gssapi-mit'
)

main() {
  case ${1-} in
    '' | --for-tests | --full) ;;
    *) fail "unknown option $1" 'run it without options, with --full, or with --for-tests' ;;
  esac
  require_npm
  install_npm_packages
  if [[ ${1-} == --for-tests ]]; then
    install_system_packages 'the tests' "${needed_to_sign_in[@]}" "${needed_for_tests[@]}"
  elif [[ ${1-} == --full ]]; then
    install_system_packages 'signing in' "${needed_to_sign_in[@]}"
  fi
  if [[ -n ${1-} ]]; then
    build_pkcs11js || fail 'pkcs11js does not compile' 'run "npm rebuild pkcs11js" and read what it says'
  else
    build_pkcs11js || say 'without pkcs11js, which needs a C++ compiler, make and python3: no keys in PKCS#11 tokens'
  fi
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

# What for, then entries as above.
install_system_packages() {
  local purpose=$1 missing=() entry
  shift
  for entry in "$@"; do
    exists "${entry%%:*}" || missing+=("${entry#*:}")
  done
  ((${#missing[@]} == 0)) && return
  command -v apt-get >/dev/null ||
    fail "missing for $purpose: ${missing[*]}" 'this is no Debian system: install them with its own package manager, then run this again'
  ((EUID == 0)) || fail "missing for $purpose: ${missing[*]}" "as root: apt-get install ${missing[*]}; then run this again"
  say "installing Debian packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  start_no_services
  apt-get install --yes --no-install-recommends -qq "${missing[@]}" >/dev/null ||
    { apt-get update -qq >/dev/null && apt-get install --yes --no-install-recommends -qq "${missing[@]}" >/dev/null; } ||
    fail 'apt-get could not install them' "try it by hand: apt-get update && apt-get install ${missing[*]}"
}

# Packages of servers start them, which here would take the ports of those that the tests start for themselves. This is
# how Debian lets a system say no (policy-rc.d); one that says it already is left as it is.
start_no_services() {
  [[ -e $service_policy ]] && return
  printf '#!/bin/sh\n# Countersign setup: no service is started while it installs packages.\nexit 101\n' >"$service_policy"
  chmod +x "$service_policy"
  trap 'rm -f "$service_policy"' EXIT
}
service_policy=/usr/sbin/policy-rc.d

exists() {
  case $1 in
    /*) compgen -G "$1" >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# True where it is built already. Node-API lets any Node load it, whichever Node's headers it was compiled with: those of
# an installed one are taken before any are fetched.
build_pkcs11js() {
  local binary=node_modules/pkcs11js/build/Release/pkcs11.node
  [[ -e $binary ]] && return
  command -v g++ >/dev/null && command -v make >/dev/null && command -v python3 >/dev/null || return 1
  say 'compiling pkcs11js'
  local node prefix
  while read -r node; do
    prefix=$(dirname "$(dirname "$(readlink -f "$node")")")
    [[ -e $prefix/include/node/node_api.h ]] && export npm_config_nodedir=$prefix && break
  done < <(type -aP node)
  npm rebuild pkcs11js --foreground-scripts --loglevel=error >/dev/null 2>&1
  [[ -e $binary ]]
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
