//! `mrrow sql` with several statements: from a pipe, a file or the command line.

use crate::run::Place;

const TWO: &str = "select 1 as a; -- one; two
select 'x;y' as b, $$;$$ as c /* ; */;

";

fn run(place: &Place, args: &[&str], input: &str) -> (i32, String, String) {
    let ran = place.run_with_input(&[&["sql"], args].concat(), input.as_bytes());
    (ran.code, ran.out, ran.err)
}

#[test]
fn statements_run_in_turn_wherever_they_come_from() {
    let place = Place::new();
    let file = place.file("two.sql", TWO);
    let expected = (0, "{\"a\":1}\n{\"b\":\"x;y\",\"c\":\";\"}\n".to_string(), String::new());
    assert_eq!(run(&place, &[], TWO), expected);
    assert_eq!(run(&place, &["-"], TWO), expected);
    assert_eq!(run(&place, &["-f", file.to_str().unwrap()], ""), expected);
    assert_eq!(run(&place, &["-c", TWO], ""), expected);
    assert_eq!(run(&place, &["--format", "csv"], "select 1 as a;select 2 as b").1, "a\n1\nb\n2\n");
    assert_eq!(run(&place, &["-c", "select ';' as a;"], "").1, "{\"a\":\";\"}\n");
}

#[test]
fn the_first_statement_that_fails_is_the_last() {
    let place = Place::new();
    let (code, out, err) = run(&place, &[], "select 1 as a;\n\nselect nope;\nselect 2 as b;");
    assert_eq!((code, out.as_str()), (1, "{\"a\":1}\n"));
    assert!(err.starts_with("mrrow: the statement on line 3: ") && err.contains("nope"), "{err}");
    let (code, out, err) = run(&place, &[], "select 1 as a; drop table movements");
    assert_eq!((code, out.as_str()), (1, "{\"a\":1}\n"));
    assert!(err.contains("only queries are allowed"), "{err}");
}

#[test]
fn a_file_format_holds_one_statement() {
    let place = Place::new();
    let (code, out, err) = run(&place, &["--format", "parquet"], "select 1; select 2");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("not of 2"), "{err}");
    assert_eq!(run(&place, &["--format", "arrow"], "select 1;").0, 0);
}

#[test]
fn no_statement_at_all_is_told() {
    let place = Place::new();
    for input in ["", " ;; ", "-- nothing\n"] {
        let (code, _, err) = run(&place, &[], input);
        assert_eq!(code, 2, "{input}");
        assert!(err.contains("no statement") && err.contains("-c SQL"), "{err}");
    }
    assert_eq!(run(&place, &["-"], "").0, 1);
}
