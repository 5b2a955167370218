//! `mrrow completions`: a script for each shell that knows every command.

use crate::run::Place;

const COMMANDS: [&str; 11] = [
    "import",
    "movements",
    "mrr",
    "sql",
    "settings",
    "verify",
    "keys",
    "sources",
    "serve",
    "demo",
    "completions",
];

#[test]
fn every_shell_gets_a_script_that_names_every_command() {
    let place = Place::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = place.ok(&["completions", shell]);
        for command in COMMANDS {
            assert!(script.contains(command), "{shell} lacks {command}");
        }
        assert!(script.contains("as-of") && script.contains("on-error"), "{shell} lacks options");
    }
    assert!(!place.dir.path().join("mrrow-data").exists(), "a script needs no data directory");
    assert_eq!(place.run(&["completions", "tcsh"]).code, 2);
}

#[test]
fn the_help_names_every_command_of_the_scripts() {
    let help = Place::new().ok(&["--help"]);
    let listed: Vec<_> =
        help.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    for command in COMMANDS {
        assert!(listed.contains(&command), "{command} is not in {help}");
    }
}
