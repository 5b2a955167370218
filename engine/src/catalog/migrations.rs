//! Brings the tables of a catalog to the form that this program reads.
//!
//! The version of a catalog is the number of its newest migration. It is SQLite's `user_version`.
//! Catalogs of versions 1 to 3 may have it in a table of sqlx instead.

use std::fs::{self, File};
use std::path::Path;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};
use sha2::{Digest, Sha384};

use crate::catalog::connection::{all, exists};
use crate::error::{Error, Result};
use crate::files::WriterLock;

/// The migrations in their order. A migration that was released is never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_catalog.sql"),
    include_str!("../../migrations/0002_inbox_steps.sql"),
    include_str!("../../migrations/0003_inbox_rows_last.sql"),
];

/// Creates the tables of a new catalog, or migrates those of an earlier version. The caller holds
/// the lock under which a catalog is opened.
///
/// # Errors
/// When the catalog is of a later version, or another process writes while it has to be migrated;
/// nothing is changed then.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    migrate_by(connection, path, MIGRATIONS)
}

fn migrate_by(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<()> {
    let (stored, newest) = (stored_version(connection, path)?, migrations.len());
    if stored > newest {
        return Err(Error::NewerStore { path: path.to_path_buf(), stored, newest });
    }
    if stored == newest {
        return Ok(());
    }
    // A writer of the earlier version would not see that the tables change under it.
    let _lock = match path.parent().filter(|_| stored > 0) {
        Some(dir) => Some(WriterLock::take(dir)?),
        None => None,
    };
    if stored > 0 {
        copy(connection, path, stored)?;
        tracing::info!(catalog = %path.display(), from = stored, to = newest, "migrate the catalog");
    }
    // An earlier program goes by the table of sqlx alone: it must not take the new form for its own.
    connection.execute_batch("drop table if exists _sqlx_migrations")?;
    let migrations: Migrations<'_> = migrations.iter().map(|sql| M::up(sql)).collect();
    Ok(migrations.to_latest(connection)?)
}

/// The version of a catalog; 0 when it has no tables yet.
fn stored_version(connection: &Connection, path: &Path) -> Result<usize> {
    let version = |connection: &Connection| {
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
    };
    match usize::try_from(version(connection)?) {
        Ok(0) if has_sqlx_table(connection)? => {
            let version = version_of_sqlx(connection, path)?;
            connection.pragma_update(None, "user_version", version as i64)?;
            Ok(version)
        }
        Ok(version) => Ok(version),
        Err(_) => Err(of_a_development_version(path)),
    }
}

fn has_sqlx_table(connection: &Connection) -> Result<bool> {
    exists(connection, "select 1 from sqlite_schema where name = '_sqlx_migrations'", [])
}

/// The version of a catalog in the table of sqlx, which has a checksum of each migration.
fn version_of_sqlx(connection: &Connection, path: &Path) -> Result<usize> {
    let sql = "select version, success, checksum from _sqlx_migrations order by version";
    let applied: Vec<(i64, bool, Vec<u8>)> =
        all(connection, sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let is_ours = |(at, (version, success, checksum)): (usize, &(i64, bool, Vec<u8>))| {
        let sql = MIGRATIONS.get(at);
        *version == at as i64 + 1
            && *success
            && sql.is_some_and(|sql| Sha384::digest(sql)[..] == checksum[..])
    };
    if applied.iter().enumerate().all(is_ours) {
        return Ok(applied.len());
    }
    Err(of_a_development_version(path))
}

/// Keeps a durable copy of a catalog beside it, named after its version, before it is changed.
fn copy(connection: &Connection, path: &Path, version: usize) -> Result<()> {
    let copy = path.with_file_name(format!("catalog-{version:04}.db"));
    let unfinished = copy.with_extension("db.tmp");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::file("remove", &unfinished)(error));
        }
        _ => {}
    }
    connection.execute("vacuum into ?1", [unfinished.to_string_lossy()])?;
    let synced = File::open(&unfinished).and_then(|file| file.sync_all());
    synced.map_err(Error::file("sync", &unfinished))?;
    fs::rename(&unfinished, &copy).map_err(Error::file("create", &copy))?;
    let dir = path.parent().unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::file("sync", dir))
}

/// No release wrote a catalog without a version, or with other migrations.
fn of_a_development_version(path: &Path) -> Error {
    Error::Argument(format!(
        "\"{}\" was made by another development version of Mrrow; name a new directory and import \
         the records again",
        path.display()
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::catalog::connection::connect;

    /// The newest version that a program with sqlx wrote.
    const SQLX_VERSION: usize = 3;

    const NEXT: &str = "create table next (id integer primary key)";

    fn with_next() -> Vec<&'static str> {
        [MIGRATIONS, &[NEXT]].concat()
    }

    #[test]
    fn later_version_is_refused_by_its_number() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("catalog.db");
        migrate_by(&mut connect(&path).unwrap(), &path, &with_next()).unwrap();
        let refused = migrate(&mut connect(&path).unwrap(), &path).unwrap_err().to_string();
        let newest = MIGRATIONS.len();
        assert!(refused.contains(&format!("has version {}", newest + 1)), "{refused}");
        assert!(refused.contains(&format!("up to {newest}")), "{refused}");
        assert!(refused.contains(env!("CARGO_PKG_VERSION")), "{refused}");
    }

    #[test]
    fn migration_keeps_a_copy_of_the_version_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("catalog.db");
        let mut connection = connect(&path).unwrap();
        migrate(&mut connection, &path).unwrap();
        let copies = || {
            let names = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
            let names = names.map(|name| name.into_string().unwrap());
            let mut names: Vec<_> = names.filter(|name| name.starts_with("catalog-")).collect();
            names.sort();
            names
        };
        assert!(copies().is_empty(), "a new catalog has no version before");
        let add = "insert into job values ('j', 'import', 'shop', 'done', '{}', 0, 0)";
        connection.execute_batch(add).unwrap();
        // A copy that was broken off is replaced.
        let name = format!("catalog-{:04}.db", MIGRATIONS.len());
        fs::write(dir.path().join(format!("{name}.tmp")), "unfinished").unwrap();
        migrate_by(&mut connection, &path, &with_next()).unwrap();
        assert_eq!(copies(), std::slice::from_ref(&name));
        let path = dir.path().join(name);
        let mut copy = connect(&path).unwrap();
        assert_eq!(stored_version(&copy, &path).unwrap(), MIGRATIONS.len());
        migrate(&mut copy, &path).unwrap();
        let jobs: i64 = copy.query_row("select count(*) from job", [], |row| row.get(0)).unwrap();
        assert_eq!(jobs, 1);
    }

    #[test]
    fn catalog_is_not_migrated_under_a_writer() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("catalog.db");
        let mut connection = connect(&path).unwrap();
        migrate(&mut connection, &path).unwrap();
        let lock = WriterLock::take(dir.path()).unwrap();
        let refused = migrate_by(&mut connection, &path, &with_next());
        assert!(matches!(refused, Err(Error::WriterBusy { .. })), "{refused:?}");
        drop(lock);
        migrate_by(&mut connection, &path, &with_next()).unwrap();
    }

    /// A catalog with the table that sqlx kept, and its checksum of the newest migration.
    fn catalog_of_sqlx(path: &Path, newest: &[u8]) -> Connection {
        let mut connection = connect(path).unwrap();
        migrate(&mut connection, path).unwrap();
        connection
            .execute_batch(
                "pragma user_version = 0;
                 create table _sqlx_migrations (version bigint, success boolean, checksum blob)",
            )
            .unwrap();
        for (at, sql) in MIGRATIONS[..SQLX_VERSION].iter().enumerate() {
            let checksum = match at + 1 == SQLX_VERSION {
                true => newest.to_vec(),
                false => Sha384::digest(sql).to_vec(),
            };
            let insert = "insert into _sqlx_migrations values (?1, true, ?2)";
            connection.execute(insert, (at as i64 + 1, checksum)).unwrap();
        }
        connection
    }

    #[test]
    fn catalog_of_sqlx_is_at_its_version() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("catalog.db");
        let checksum = Sha384::digest(MIGRATIONS[SQLX_VERSION - 1]);
        let connection = catalog_of_sqlx(&path, &checksum);
        assert_eq!(stored_version(&connection, &path).unwrap(), SQLX_VERSION);
    }

    #[test]
    fn catalog_of_a_development_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("catalog.db");
        let mut connection = catalog_of_sqlx(&path, b"other");
        let refused = migrate(&mut connection, &path).unwrap_err().to_string();
        assert!(refused.ends_with("import the records again"), "{refused}");
    }

    #[test]
    fn failed_migration_leaves_the_version_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("catalog.db");
        let mut connection = connect(&path).unwrap();
        migrate(&mut connection, &path).unwrap();
        let failing = [MIGRATIONS, &[NEXT, "drop table nothing"]].concat();
        assert!(migrate_by(&mut connection, &path, &failing).is_err());
        assert_eq!(stored_version(&connection, &path).unwrap(), MIGRATIONS.len());
        migrate_by(&mut connection, &path, &with_next()).unwrap();
    }
}
