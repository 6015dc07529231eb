// Package cosmos is the kit's one way to Azure Cosmos DB: the only room that imports azcosmos.
//
// A service opens one [Client], takes a [Container] for each of its containers and gives every document type a [Kind]:
//
//	client, err := cosmos.Open(ctx, cfg.Cosmos, cosmos.Options{Logger: log})
//	players := client.Container("players")
//	profiles := cosmos.NewKind[profileDoc](players, "profile", 1)
//
//	doc, err := profiles.Read(ctx, cosmos.PK(playerID), "profile")
//	doc, err = profiles.Update(ctx, cosmos.PK(playerID), "profile", op, func(p *profileDoc) (bool, error) {
//		p.DisplayName = name
//		return true, nil
//	})
//
// # Every write can be tried again
//
// The SDK hands back a write whose answer was lost, and never retries 410, 449 or a refused write. This package tries again
// for up to five seconds, and cannot apply a change twice, because each write carries an [Operation]: its id is stamped
// into the document's `ops`, and a write without an answer is settled by reading before anything is decided or written
// again. A document remembers its last eight operations: when more rivals than that wrote in between, the error is ABORTED,
// OUTCOME_UNKNOWN. What adds up under such contention uses a [Batch] with a marker, which always tells.
//
// A deletion takes the trace with it: behind one, a create whose answer was lost may be made again. What must not come back is
// created in a batch that reads another document, which the deletion removes first.
//
// One document is changed by [Kind.Update]; several of a partition by [Container.Decide] around a [Batch].
//
// # Read your writes
//
// A [Session] in the context gives every call the newest session token of its container and takes back what the answer
// carries. Without one a read is eventual.
//
// # Accounting
//
// A [Meter] in the context adds up request units and SDK calls. Every call is also recorded in the OpenTelemetry
// histograms db.client.operation.duration and azure.cosmosdb.client.operation.request_charge.
//
// All errors are faults (package fault), made in one place.
package cosmos
