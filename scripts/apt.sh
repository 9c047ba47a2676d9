# Sourced: apt_install PACKAGE... installs on Debian and Ubuntu, as root or through sudo; fails elsewhere.

apt_install() {
    local as_root=()
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { echo "Installing $* needs root: no sudo here." >&2; return 1; }
        as_root=(sudo)
        # Where nobody can type a password, fail at once instead of waiting for one.
        [ -t 0 ] || as_root=(sudo -n)
    fi
    echo "Installing $* with apt-get"
    "${as_root[@]}" apt-get update -q </dev/null || true # a stale list often still holds the package
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "$@" </dev/null
}
