//! `file::`: files, directories and links.

use super::{Done, RhaiResultOf, ensure};
use rhai::plugin::*;
use rhai::{Dynamic, Map, NativeCallContext};

/// Files, directories and links.
#[export_module]
#[allow(clippy::module_inception)]
pub mod file {
    /// Keeps a file with this content, put in place at once.
    ///
    /// `want` takes `content`, a text or a blob, or `src`, a file on this machine; `owner` and `group`, names or
    /// numbers; `mode`, a text such as `"0644"`. What is left out stays as it is; a new file gets `"0644"` and the
    /// user of the connection, one with a secret in it `"0600"`. `validate` is a command that must accept the new
    /// file before it is put in place, `%s` stands for its path. `backup: true` keeps the file before as
    /// `PATH.TIME.bak`. `create_dirs: true` makes missing directories. `in_place: true` writes into the file instead
    /// of replacing it, as is done for mount points anyway. A link is followed; `force: true` replaces the link
    /// itself, or a device, pipe or socket.
    ///
    /// Fails when the path is a directory, its directory is missing, or `validate` refuses the content.
    ///
    /// ```rhai
    /// file::put("/etc/motd", #{ content: "welcome\n", mode: "0644" });
    /// file::put("/etc/sudoers.d/ops", #{ content: "%ops ALL=(ALL) ALL\n", mode: "0440", validate: "visudo -cf %s" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn put(ctx: NativeCallContext, path: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "file::put", path, want)
    }

    /// Renders a template and keeps the file as it says.
    ///
    /// `want` takes `src`, a file in the project, or `text`, and `vars`, a map; the host's data stands beside them,
    /// and `host` with its name, addr and groups. Templates are Jinja; a name that nothing defines is an error.
    /// Also `owner`, `group`, `mode` (text, `"0644"`), `validate`, `backup`, `in_place`, `create_dirs` and `force`, as
    /// for `file::put`. Fails when the template does not parse, or a name is undefined.
    ///
    /// ```rhai
    /// file::template("/etc/motd", #{ text: "{{ host.name }} runs {{ what }}\n", vars: #{ what: "the shop" } });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn template(ctx: NativeCallContext, path: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "file::template", path, want)
    }

    /// Keeps a file there, whatever it holds.
    ///
    /// `want` takes `owner` and `group`, names or numbers, and `mode`, a text such as `"0644"`; what is left out stays
    /// as it is. A missing file is made empty. `touch: true` renews its time, which is a change in each run.
    ///
    /// Fails when the path is a directory or its directory is missing.
    ///
    /// ```rhai
    /// file::present("/var/log/app.log", #{ owner: "app", mode: "0640" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn present(ctx: NativeCallContext, path: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "file::present", path, want)
    }

    /// Keeps a file there, whatever it holds; a missing one is made empty.
    ///
    /// ```rhai
    /// file::present("/etc/app.enabled");
    /// ```
    #[rhai_fn(name = "present", return_raw)]
    pub fn present_plain(ctx: NativeCallContext, path: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "file::present", path, Map::new())
    }

    /// Keeps a path free.
    ///
    /// `want` takes `recursive`, or `force`, which means the same: a directory goes with all it holds. A link goes,
    /// not what it leads to.
    ///
    /// Fails when the path is a directory and `recursive` is not set, and for directories of the system such as `/etc`.
    ///
    /// ```rhai
    /// file::absent("/srv/old", #{ recursive: true });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn absent(ctx: NativeCallContext, path: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "file::absent", path, want)
    }

    /// Keeps a path free; a directory is refused.
    ///
    /// ```rhai
    /// file::absent("/etc/cron.d/old");
    /// ```
    #[rhai_fn(name = "absent", return_raw)]
    pub fn absent_plain(ctx: NativeCallContext, path: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "file::absent", path, Map::new())
    }

    /// Keeps a directory; missing ones above it are made, with mode `"0755"`.
    ///
    /// `want` takes `owner` and `group`, names or numbers, and `mode`, a text such as `"0755"`; what is left out stays
    /// as it is. `recursive: true` sets them on everything below, too; files get no execute bit from `mode` that they
    /// did not have. `purge: true` removes everything in the directory, except what operations before this one in the
    /// run named: put it after them. The plan shows what would go.
    ///
    /// Fails when something else than a directory is at the path.
    ///
    /// ```rhai
    /// file::dir("/srv/app", #{ owner: "app", group: "app", mode: "0750" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn dir(ctx: NativeCallContext, path: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "file::dir", path, want)
    }

    /// Keeps a directory, whoever owns it.
    ///
    /// ```rhai
    /// file::dir("/srv/app");
    /// ```
    #[rhai_fn(name = "dir", return_raw)]
    pub fn dir_plain(ctx: NativeCallContext, path: Dynamic) -> RhaiResultOf<Done> {
        ensure(&ctx, "file::dir", path, Map::new())
    }

    /// Keeps a link.
    ///
    /// `want` takes `to`, where the link leads, as it is written there: relative to the directory of the link, or
    /// absolute. It may lead to what is not there. `hard: true` makes a second name of the file `to` instead.
    /// `owner` and `group`, names or numbers, are those of the link itself. A link that leads elsewhere is moved;
    /// `force: true` puts the link in the place of a file, too.
    ///
    /// Fails when a directory is at the path, or a file without `force`.
    ///
    /// ```rhai
    /// file::link("/srv/app/current", #{ to: "releases/42" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn link(ctx: NativeCallContext, path: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "file::link", path, want)
    }

    /// Keeps a line in a text file, or keeps it out.
    ///
    /// `want` takes `line`, compared as a whole. `pattern` is a regular expression: the last line that matches becomes
    /// `line`; without a match, `line` is added. It goes after the last line that matches `after`, before the first
    /// that matches `before` (`"^"` is the first line), otherwise to the end. `fixed: true` takes `pattern`, `after`
    /// and `before` as plain text that a line holds. `present: false` removes the lines that equal `line` or match
    /// `pattern`. `create: true` makes a missing file. `backup` and `validate` are as in `file::put`. All other bytes
    /// stay as they are, line endings too.
    ///
    /// Fails when the file is missing and `create` is not set.
    ///
    /// ```rhai
    /// file::line("/etc/ssh/sshd_config", #{ pattern: "^#?PermitRootLogin\\b", line: "PermitRootLogin no" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn line(ctx: NativeCallContext, path: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "file::line", path, want)
    }

    /// Keeps a block of lines between two marker lines, or keeps it out.
    ///
    /// `want` takes `content`, the lines; `id`, a word that tells blocks of one file apart (`"rhapsode"` when left
    /// out); `marker`, the form of the marker lines, `"# {mark} {id}"` when left out, where `{mark}` becomes `BEGIN` and
    /// `END`. A new block goes after the last line that matches the regular expression `after`, before the first that
    /// matches `before`, otherwise to the end. `present: false` removes block and markers. `create: true` makes a
    /// missing file. `backup` and `validate` are as in `file::put`.
    ///
    /// Fails when the file is missing and `create` is not set, or holds half a block.
    ///
    /// ```rhai
    /// file::block("/etc/hosts", #{ id: "cluster", content: "192.0.2.11 web-1\n192.0.2.21 db-1\n" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn block(ctx: NativeCallContext, path: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "file::block", path, want)
    }

    /// Replaces what matches in a text file.
    ///
    /// `want` takes `pattern`, a regular expression in which `^` and `$` stand for the ends of a line, and `to`, what
    /// is put in; `$1` or `${name}` there are captures, `$$` a dollar. `all: false` looks at the first match only.
    /// `backup` and `validate` are as in `file::put`.
    ///
    /// Fails when the file is missing, and when what is put in would match again, since no run would be the last.
    ///
    /// ```rhai
    /// file::replace("/etc/app.conf", #{ pattern: "^(port) *=.*$", to: "$1 = 8080" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn replace(ctx: NativeCallContext, path: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "file::replace", path, want)
    }

    /// Keeps a directory as a local one is: compared in one exchange, differences sent in one stream.
    ///
    /// `want` takes `src`, a directory on this machine; `owner` and `group`, names or numbers; `mode` for files and
    /// `dir_mode` for directories, texts such as `"0644"`, those of the local files when left out. Links stay links.
    /// `exclude` is a glob or a list of them: one without a slash matches a name at any depth, others match from the
    /// root; what is left out is neither sent nor removed. `delete: true` removes what is on the host alone, and lets a
    /// file take the place of a directory; the plan shows it.
    ///
    /// Fails when a local file cannot be read, or a directory is where a file shall be and `delete` is not set.
    ///
    /// ```rhai
    /// file::mirror("/srv/www", #{ src: "files/www", owner: "www-data", exclude: ["*.map", ".git"], delete: true });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn mirror(ctx: NativeCallContext, path: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "file::mirror", path, want)
    }

    /// Keeps a directory as a local one is; another name of `file::mirror`.
    ///
    /// ```rhai
    /// file::tree("/srv/www", #{ src: "files/www" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn tree(ctx: NativeCallContext, path: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "file::mirror", path, want)
    }

    /// Keeps a file that the host itself fetches with curl or wget.
    ///
    /// `want` takes `url`; `sha256`, 64 hexadecimal digits that the file must have, checked before it is put in place;
    /// `headers`, a map, which may hold secrets; `owner`, `group` and `mode` as in `file::put`. A file that is there is
    /// fetched again when its digest is another, or, without `sha256`, when it is older than `max_age`, seconds or a
    /// text such as `"12h"` or `"7d"`. `insecure: true` skips the check of certificates.
    ///
    /// Fails when the digest differs, when the host has neither curl nor wget, and when it has only the wget of busybox,
    /// which cannot check certificates or keep headers secret, and one of these is needed.
    ///
    /// ```rhai
    /// file::download("/usr/local/bin/tool", #{
    ///     url: "https://example.org/tool-1.2", mode: "0755",
    ///     sha256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    /// });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn download(ctx: NativeCallContext, path: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "file::download", path, want)
    }
}
