"""Prints the script floor: deploy.sh with the contents of files/ in front, templates rendered."""

import hashlib
import pathlib

HERE = pathlib.Path(__file__).parent
VARS = {"listen_address": "127.0.0.1", "listen_port": "8080", "workers": "4"}


def rendered(path):
    text = path.read_text()
    for name, value in VARS.items():
        text = text.replace("{{ %s }}" % name, value)
    return text


def targets():
    """Source, target, owner and mode of each file that the deploy places."""
    for part in range(1, 11):
        yield f"{part:02}.conf", f"/etc/app/conf.d/{part:02}.conf", "root:app", "640"
    for name in ("app", "listen", "limits", "log", "cache", "peers"):
        yield f"{name}.conf.j2", f"/etc/app/{name}.conf", "root:app", "640"
    yield "sysctl.conf", "/etc/sysctl.d/60-app.conf", "root:root", "644"
    yield "sudoers", "/etc/sudoers.d/ops", "root:root", "440"


def main():
    calls = []
    for number, (source, target, owner, mode) in enumerate(targets()):
        text = rendered(HERE / "files" / source)
        digest = hashlib.sha256(text.encode()).hexdigest()
        print(f"content_{number}() {{\n    cat <<'END'\n{text}END\n}}")
        calls.append(f"    file {target} {owner} {mode} {number} {digest}")
    print("files() {\n" + "\n".join(calls) + "\n}")
    print((HERE / "deploy.sh").read_text(), end="")


if __name__ == "__main__":
    main()
