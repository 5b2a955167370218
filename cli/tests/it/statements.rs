//! `mrrow sql` with several statements, from a pipe, a file or the command line.

use crate::test_dir::TestDir;

const TWO: &str = "select 1 as a; -- one; two
select 'x;y' as b, $$;$$ as c /* ; */;

";

fn run(dir: &TestDir, args: &[&str], input: &str) -> (i32, String, String) {
    let output = dir.run_with_input(&[&["sql"], args].concat(), input.as_bytes());
    (output.code, output.out, output.err)
}

#[test]
fn statements_from_every_input_run_in_order() {
    let dir = TestDir::new();
    let file = dir.file("two.sql", TWO);
    let expected = (0, "{\"a\":1}\n{\"b\":\"x;y\",\"c\":\";\"}\n".to_string(), String::new());
    assert_eq!(run(&dir, &[], TWO), expected);
    assert_eq!(run(&dir, &["-"], TWO), expected);
    assert_eq!(run(&dir, &["-f", file.to_str().unwrap()], ""), expected);
    assert_eq!(run(&dir, &["-c", TWO], ""), expected);
    assert_eq!(run(&dir, &["--format", "csv"], "select 1 as a;select 2 as b").1, "a\n1\nb\n2\n");
    assert_eq!(run(&dir, &["-c", "select ';' as a;"], "").1, "{\"a\":\";\"}\n");
}

#[test]
fn statements_after_a_failed_one_do_not_run() {
    let dir = TestDir::new();
    let (code, out, err) = run(&dir, &[], "select 1 as a;\n\nselect nope;\nselect 2 as b;");
    assert_eq!((code, out.as_str()), (1, "{\"a\":1}\n"));
    assert!(err.starts_with("mrrow: the statement on line 3: ") && err.contains("nope"), "{err}");
    let (code, out, err) = run(&dir, &[], "select 1 as a; drop table movements");
    assert_eq!((code, out.as_str()), (1, "{\"a\":1}\n"));
    assert!(err.contains("only queries are allowed"), "{err}");
}

#[test]
fn binary_format_holds_one_statement() {
    let dir = TestDir::new();
    let (code, out, err) = run(&dir, &["--format", "parquet"], "select 1; select 2");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("not of 2"), "{err}");
    assert_eq!(run(&dir, &["--format", "arrow"], "select 1;").0, 0);
}

#[test]
fn missing_statement_is_an_error() {
    let dir = TestDir::new();
    for input in ["", " ;; ", "-- nothing\n"] {
        let (code, _, err) = run(&dir, &[], input);
        assert_eq!(code, 2, "{input}");
        assert!(err.contains("no statement") && err.contains("-c SQL"), "{err}");
    }
    assert_eq!(run(&dir, &["-"], "").0, 1);
}
