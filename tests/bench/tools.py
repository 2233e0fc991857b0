"""The rows of the benchmark: how each tool is told to do the same deploy on the same hosts."""

import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


class Bed:
    """The folder that everything runs in: key, venvs, one project a tool, inventories for each N and RTT."""

    RELAY_BASE = 20000

    def __init__(self, work, binary):
        self.work = pathlib.Path(work).resolve()
        self.binary = str(pathlib.Path(binary).resolve())
        self.project = self.work / "project"
        self.hosts = [line.split() for line in (self.work / "hosts").read_text().splitlines()]
        self.config = self.work / "ssh_config"

    def address(self, rtt, index):
        """Where host `index` (from 0) answers: directly, or behind the relay."""
        if rtt:
            return "127.0.0.1", self.RELAY_BASE + index
        return self.hosts[index][1], 22

    def prepare(self):
        """Copies the deploys and writes the inventories."""
        shutil.rmtree(self.project, ignore_errors=True)
        self.project.mkdir(parents=True)
        shutil.copytree(HERE / "files", self.project / "files")
        for name in ("deploy.rhai", "deploy.py", "deploy.yml"):
            shutil.copy(HERE / name, self.project)
        (self.project / "rhapsode.yaml").write_text("forks: 100\n")
        script = subprocess.run([sys.executable, HERE / "floor.py"], check=True, capture_output=True).stdout
        (self.work / "floor.sh").write_bytes(script)

    def inventories(self, rtt, count):
        """Writes the inventory of the first `count` hosts for each tool; gives the stem of their names."""
        stem = f"rtt{rtt}-n{count}"
        places = [(f"h{index + 1}", *self.address(rtt, index)) for index in range(count)]
        rhapsode = [f"defaults: {{ connect: ssh, ssh_config: {self.config} }}", "hosts:"]
        rhapsode += [f"  {name}: {{ address: {address}, port: {port} }}" for name, address, port in places]
        (self.project / f"{stem}.yaml").write_text("\n".join(rhapsode) + "\n")
        common = ["ansible_user=root", "ansible_python_interpreter=/usr/bin/python3"]
        common.append(f"ansible_ssh_common_args=-F {self.config}")
        ansible = [f"{name} ansible_host={address} ansible_port={port}" for name, address, port in places]
        (self.project / f"{stem}.ini").write_text("\n".join([*ansible, "[all:vars]", *common]) + "\n")
        data = {
            "ssh_user": "root",
            "ssh_key": str(self.work / "key"),
            "ssh_strict_host_key_checking": "no",
            "ssh_known_hosts_file": str(self.work / "known_hosts"),
        }
        peers = [(name, {**data, "ssh_hostname": address, "ssh_port": port}) for name, address, port in places]
        (self.project / f"{stem.replace('-', '_')}.py").write_text(f"hosts = {peers!r}\n")
        return stem

    def ansible_config(self, strategy):
        """A configuration for ansible-core, with mitogen or without."""
        lines = ["[defaults]", "host_key_checking = False", "forks = 50", "retry_files_enabled = False"]
        if strategy == "mitogen":
            found = next((self.work / "ansible").glob("lib/python*/site-packages/ansible_mitogen/plugins/strategy"))
            lines += [f"strategy_plugins = {found}", "strategy = mitogen_linear"]
        lines += ["[ssh_connection]", "pipelining = True", f"control_path_dir = {self.work / 'cp'}"]
        path = self.work / f"ansible-{strategy}.cfg"
        path.write_text("\n".join(lines) + "\n")
        return path


class Row:
    """One tool. `phases` are those it takes part in, in the order of a round."""

    phases = ("plan", "first", "no-op")

    def __init__(self, bed):
        self.bed = bed

    def env(self):
        return {}

    def before(self, phase, rtt, count):
        """Not measured."""

    def after(self, rtt, count):
        """Not measured: ends what the tool leaves running, so that each run logs in afresh."""

    def ssh(self, rtt, count, words, stdin="/dev/null"):
        """A command line that runs `words` on every host at once through ssh."""
        lines = []
        for index in range(count):
            address, port = self.bed.address(rtt, index)
            lines.append(f"ssh -F {self.bed.config} -p {port} {words(index)} <{stdin} >>{self.bed.work}/out 2>&1 &")
            lines[-1] = lines[-1].replace("ADDRESS", address)
        return ["sh", "-c", f": >{self.bed.work}/out; " + "\n".join(lines) + "\nwait"]


class Login(Row):
    name = "login floor: `ssh host true`"
    key = "login"
    phases = ("no-op",)

    def command(self, phase, rtt, count):
        return self.ssh(rtt, count, lambda _: "ADDRESS true")


class LiveLogin(Row):
    name = "the same over a live master"
    key = "live-login"
    phases = ("no-op",)

    def socket(self, index):
        return f"{self.bed.work}/cp/live-{index}"

    def before(self, phase, rtt, count):
        (self.bed.work / "cp").mkdir(exist_ok=True)
        for index in range(count):
            address, port = self.bed.address(rtt, index)
            subprocess.run(
                ["ssh", "-F", self.bed.config, "-p", str(port), "-MNf", "-S", self.socket(index), address], check=True
            )

    def after(self, rtt, count):
        for index in range(count):
            words = ["ssh", "-F", self.bed.config, "-S", self.socket(index), "-O", "exit", "h"]
            subprocess.run(words, capture_output=True, check=False)

    def command(self, phase, rtt, count):
        return self.ssh(rtt, count, lambda index: f"-S {self.socket(index)} ADDRESS true")


class Script(Row):
    name = "script floor: one cold ssh, one sh script with the same checks"
    key = "script"
    phases = ("first", "no-op")

    def command(self, phase, rtt, count):
        return self.ssh(rtt, count, lambda _: "ADDRESS sh", f"{self.bed.work}/floor.sh")


class Rhapsode(Row):
    name = "rhapsode"
    key = "rhapsode"
    flags = ("--keep-logins", "0")

    def command(self, phase, rtt, count):
        verb = ["plan"] if phase == "plan" else ["apply", "--yes"]
        inventory = f"rtt{rtt}-n{count}.yaml"
        return [self.bed.binary, "-C", self.bed.project, *verb, "deploy.rhai", "-i", inventory, "--json", *self.flags]


class RhapsodeUntraced(Rhapsode):
    """The very first run: nothing is known that could be asked for ahead."""

    name = "rhapsode, first run of the playbook ever (no prefetch record)"
    key = "rhapsode-untraced"
    phases = ("plan", "first")

    def before(self, phase, rtt, count):
        shutil.rmtree(self.bed.project / ".rhapsode", ignore_errors=True)


class RhapsodeNoPrefetch(Rhapsode):
    name = "rhapsode --no-prefetch"
    key = "rhapsode-no-prefetch"
    phases = ("no-op",)
    flags = ("--no-prefetch", "--keep-logins", "0")


class RhapsodeKept(Rhapsode):
    """Logins kept from the run before."""

    name = "rhapsode, logins kept from the run before"
    key = "rhapsode-kept"
    phases = ("no-op",)
    flags = ("--keep-logins", "60")

    def before(self, phase, rtt, count):
        subprocess.run(self.command(phase, rtt, count), capture_output=True, check=False)

    def after(self, rtt, count):
        # Ends the masters: the next run uses none of them.
        words = [*self.command("no-op", rtt, count)[: -len(self.flags)], "--keep-logins", "0"]
        subprocess.run(words, capture_output=True, check=False)


class Pyinfra(Row):
    name = "pyinfra, stock"
    key = "pyinfra-stock"
    venv = "pyinfra"

    def command(self, phase, rtt, count):
        flags = ["--dry"] if phase == "plan" else ["-y"]
        tool = self.bed.work / self.venv / "bin/pyinfra"
        return [tool, *flags, "--parallel", str(count), f"rtt{rtt}_n{count}.py", "deploy.py"]


class PyinfraNoDelay(Pyinfra):
    name = "pyinfra with TCP_NODELAY (one-line patch; the fair peer)"
    key = "pyinfra"
    venv = "pyinfra-nodelay"


class Mitogen(Row):
    name = "ansible-core + mitogen"
    key = "mitogen"
    strategy = "mitogen"

    def env(self):
        return {"ANSIBLE_CONFIG": str(self.bed.ansible_config(self.strategy)), "ANSIBLE_NOCOLOR": "1"}

    def command(self, phase, rtt, count):
        flags = ["--check"] if phase == "plan" else []
        return [self.bed.work / "ansible/bin/ansible-playbook", "-i", f"rtt{rtt}-n{count}.ini", *flags, "deploy.yml"]


class Ansible(Mitogen):
    name = "ansible-core, pipelining"
    key = "ansible"
    strategy = "pipelining"

    def after(self, rtt, count):
        for socket in (self.bed.work / "cp").glob("*"):
            subprocess.run(["ssh", "-S", socket, "-O", "exit", "h"], capture_output=True, check=False)


# The order of a round.
ROWS = [
    Login,
    LiveLogin,
    Script,
    RhapsodeUntraced,
    Rhapsode,
    RhapsodeNoPrefetch,
    RhapsodeKept,
    PyinfraNoDelay,
    Pyinfra,
    Mitogen,
    Ansible,
]
