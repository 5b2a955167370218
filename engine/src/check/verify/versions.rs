//! The tables of the checks: every stored version with its layer, every current one, and the id
//! index.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryBuilder};
use arrow::datatypes::DataType;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::{DataFrame, SessionContext, ident, lit};
use datafusion::scalar::ScalarValue;

use crate::error::Result;
use crate::files::{Key, Layer};
use crate::model::ObjectType;
use crate::sessions::StoredTables;
use crate::store::Store;
use crate::tables::HASH_BYTES;
use crate::tables::Table;

/// Registers `stored_versions`, `current_versions` and `indexed_ids`, each of all types.
pub(super) async fn register(
    context: &SessionContext,
    store: &Store,
    tables: &StoredTables,
) -> Result<()> {
    let (mut stored, mut current, mut indexed) = (Vec::new(), Vec::new(), Vec::new());
    for object in ObjectType::ALL {
        let table = Table::Records(object);
        for layer in &Layer::ALL {
            let rows = tables.stored(context, table, std::slice::from_ref(layer))?;
            stored.push(version(rows, object)?.with_column("layer", lit(layer.name()))?);
        }
        current.push(version(tables.current(&store.sessions, table).await?, object)?);
        let ids = tables.stored(context, Table::Ids(object), &[Layer::Base, Layer::Delta])?;
        indexed.push(ids.with_column("object", lit(object.name()))?);
    }
    for (name, parts) in
        [("stored_versions", stored), ("current_versions", current), ("indexed_ids", indexed)]
    {
        if let Some(all) = union(parts)? {
            context.register_table(name, all.into_view())?;
        }
    }
    Ok(())
}

/// The columns that records of all types have, with the key of the id and the type.
fn version(rows: DataFrame, object: ObjectType) -> Result<DataFrame> {
    let customer = match object {
        ObjectType::Invoices => ident("customer_id"),
        _ => lit(ScalarValue::Utf8(None)),
    };
    let names = ["data_source", "id", "_sequence", "_supersedes", "_deleted", "_hash"];
    let mut columns: Vec<_> = names.into_iter().map(ident).collect();
    columns.push(customer.alias("customer_id"));
    columns.push(lit(object.name()).alias("object"));
    columns.push(key_of().call(vec![ident("data_source"), ident("id")]).alias("_key"));
    Ok(rows.select(columns)?)
}

fn union(parts: Vec<DataFrame>) -> Result<Option<DataFrame>> {
    let mut parts = parts.into_iter();
    let Some(mut all) = parts.next() else { return Ok(None) };
    for part in parts {
        all = all.union(part)?;
    }
    Ok(Some(all))
}

/// The key of (data source, id), as it stands in the id index.
fn key_of() -> ScalarUDF {
    let keys = |arguments: &[ColumnarValue]| {
        let columns = ColumnarValue::values_to_arrays(arguments)?;
        let (sources, ids) = (columns[0].as_string::<i32>(), columns[1].as_string::<i32>());
        let mut keys = FixedSizeBinaryBuilder::with_capacity(ids.len(), HASH_BYTES);
        for (source, id) in sources.iter().zip(ids) {
            keys.append_value(Key::of(source.unwrap_or_default(), id.unwrap_or_default()).0)?;
        }
        Ok(ColumnarValue::Array(Arc::new(keys.finish()) as ArrayRef))
    };
    let arguments = vec![DataType::Utf8, DataType::Utf8];
    create_udf(
        "key_of",
        arguments,
        DataType::FixedSizeBinary(HASH_BYTES),
        Volatility::Immutable,
        Arc::new(keys),
    )
}
