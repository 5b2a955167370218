//! The second edition of the rules, read independently of the SQL: an interpreter, its worked
//! examples, and a generator of random books. The SQL still has the first edition; it moves to the
//! second with the next change of the rules, and is then compared with this interpreter.

#[allow(dead_code, unreachable_pub)]
mod books;
#[allow(dead_code, unreachable_pub)]
mod interpreter;
mod invariants;
mod worked_examples;
