// Package sql is the query dialect of Azure Cosmos DB for NoSQL: text in, JSON rows out. It knows no storage,
// no HTTP and no clock; documents, parameters and the time are handed to it.
//
//	text --lex--> tokens --parse--> syntax tree --resolve--> Query        (Prepare, cached by text)
//
//	documents --from--> bindings --where--> matches --+--select--> rows   (streaming)
//	  (raw JSON,          (JOIN makes                 +--sort, heap for TOP/LIMIT--> select --> rows
//	   key order)          several)                   +--group, aggregate--> rows
//	                                                        then DISTINCT, OFFSET, LIMIT
//
// Values are read where they lie: a path expression walks the raw bytes of a document and decodes only what it
// finds, so a filter on one property does not decode the rest, and a projected value is copied as it was stored.
//
// A query that is not understood is an *Error, never an approximation: unknown functions, operators whose
// precedence Microsoft does not document, and results that JSON cannot hold are all refused. SUPPORTED.md lists
// what is supported, partly supported and refused.
//
// # Undefined
//
// A missing property is undefined, which is not null. Undefined makes comparisons and arithmetic undefined, is
// not true, vanishes from arrays and objects, and produces no row under SELECT VALUE.
//
// # Pages
//
// Run ends early when its emit function refuses a row; Outcome.State then says where to go on. It is a small
// struct that survives JSON and a restart of the process; see State for the three ways in which queries resume.
//
// Sources for behavior that the reference pages (learn.microsoft.com/cosmos-db/query) leave open: the offline
// query engine in the tests of the .NET SDK (Azure/azure-cosmos-dotnet-v3).
package sql
