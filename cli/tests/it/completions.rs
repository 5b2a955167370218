//! `mrrow completions`: a script for each shell with every command.

use crate::test_dir::TestDir;

const COMMANDS: [&str; 17] = [
    "import",
    "push",
    "delete",
    "movements",
    "mrr",
    "sql",
    "settings",
    "verify",
    "status",
    "snapshots",
    "compact",
    "keys",
    "sources",
    "serve",
    "demo",
    "openapi",
    "completions",
];

#[test]
fn script_of_every_shell_has_every_command() {
    let dir = TestDir::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = dir.ok(&["completions", shell]);
        for command in COMMANDS {
            assert!(script.contains(command), "{shell} lacks {command}");
        }
        assert!(script.contains("as-of") && script.contains("on-error"), "{shell} lacks options");
    }
    assert!(!dir.path().join("mrrow-data").exists(), "completions created a data directory");
    assert_eq!(dir.run(&["completions", "tcsh"]).code, 2);
}

#[test]
fn help_lists_every_command() {
    let help = TestDir::new().ok(&["--help"]);
    let listed: Vec<_> =
        help.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    for command in COMMANDS {
        assert!(listed.contains(&command), "{command} is not in {help}");
    }
}
