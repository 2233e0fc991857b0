export GIT_OPTIONAL_LOCKS=0
look='cd "$d" || exit 1
echo "head $(git rev-parse -q --verify HEAD)"
echo "branch $(git symbolic-ref -q --short HEAD)"
echo "origin $(git config --get remote.origin.url)"
git status --porcelain --untracked-files=no --ignore-submodules=all | while IFS= read -r l; do echo "dirty $l"; done
[ -z "$(git symbolic-ref -q HEAD)" ] || git rev-list --max-count=1 HEAD --not --remotes --tags 2>/dev/null | while read -r l; do echo "ahead $l"; done
[ ! -e .gitmodules ] || git submodule status --recursive 2>/dev/null | while IFS= read -r l; do case $l in [-+U]*) echo "stale $l" ;; esac; done'
look() {
  export d="$1"
  if [ ! -e "$d" ]; then echo absent
  elif [ ! -d "$d" ]; then echo foreign
  elif [ ! -e "$d/.git" ]; then
    if [ -z "$(ls -A "$d")" ]; then echo absent; else echo foreign; fi
  elif ! command -v git >/dev/null; then echo 'failed git is not installed'
  else
    o=$(stat -c %U -- "$d")
    echo "owner $o"
    as "$o" "$look" 2>&1 || echo 'failed git cannot read it'
  fi
  echo ==
}
