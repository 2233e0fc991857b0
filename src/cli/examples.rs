//! What the help of a command ends with: lines to type.

/// The examples of a command, each with what it does.
pub fn of(command: &str) -> Option<String> {
    let lines: &[(&str, &str)] = match command {
        "init" => &[("rhapsode init infra", "a project in the folder `infra`")],
        "check" => &[("rhapsode check", "every playbook below playbooks/"), ("rhapsode check playbooks/site.rhai", "")],
        "facts" => &[("rhapsode facts web-1", ""), ("rhapsode facts 'web & !web-3'", "several hosts")],
        "exec" => &[
            ("rhapsode exec -l web -- uptime", "a program and its arguments"),
            ("rhapsode exec -l web -- 'df -h | tail -3'", "one word is a line of shell"),
            ("rhapsode exec -l web-1 --sudo -- cat /etc/shadow > shadow", "what it prints, and nothing else"),
        ],
        "op" => &[
            ("rhapsode op 'pkg::installed(\"tree\")' -l web-1", ""),
            ("rhapsode op 'file::put(\"/tmp/hello\", #{ content: \"hello\\n\" })' -i @local --plan", "only predict"),
        ],
        "plan" => &[
            ("rhapsode plan playbooks/site.rhai", "on every host of the inventory"),
            ("rhapsode plan playbooks/site.rhai -l 'web & !web-3' --tags tls", "a part of it"),
            ("rhapsode plan playbooks/site.rhai --save site.plan", "then `rhapsode apply site.plan`"),
        ],
        "apply" => &[
            ("rhapsode apply playbooks/site.rhai", "shows the plan, asks, does it"),
            ("rhapsode apply playbooks/site.rhai -l web-1 --yes --diff", "asks nothing, shows contents"),
            ("rhapsode apply site.plan", "what the saved plan announced, and nothing else"),
        ],
        "drift" => &[("rhapsode drift playbooks/site.rhai", ""), ("rhapsode drift --all --json", "for a timer")],
        "resume" => &[("rhapsode resume", "the newest run that left something"), ("rhapsode resume 01KB3Q", "")],
        "rollback" => &[
            ("rhapsode rollback", "the last good run before what is in force"),
            ("rhapsode rollback v1.4 -l web-1", "a tag, on one host first"),
        ],
        "history" => &[("rhapsode history -n 5", "")],
        "show" => {
            &[("rhapsode show", "the last run"), ("rhapsode show 01KB3Q -v", "another one, unchanged operations too")]
        }
        "completions" => {
            &[("rhapsode completions bash > ~/.local/share/bash-completion/completions/rhapsode", "for the next shell")]
        }
        "docs" => &[("rhapsode docs file", "a module"), ("rhapsode docs file::put", "one operation")],
        _ => return None,
    };
    let line = |(line, note): &(&str, &str)| match *note {
        "" => format!("\n  {line}"),
        note => format!("\n  {line}   # {note}"),
    };
    Some(format!("Examples:{}", lines.iter().map(line).collect::<String>()))
}
