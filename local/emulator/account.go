package emulator

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// regionName is the region that every Cosmos DB emulator says to be in.
const regionName = "South Central US"

type accountLocation struct {
	Name     string `json:"name"`
	Endpoint string `json:"databaseAccountEndpoint"`
}

type accountDocument struct {
	Self            string            `json:"_self"`
	ID              string            `json:"id"`
	RID             string            `json:"_rid"`
	Media           string            `json:"media"`
	Addresses       string            `json:"addresses"`
	Databases       string            `json:"_dbs"`
	Writable        []accountLocation `json:"writableLocations"`
	Readable        []accountLocation `json:"readableLocations"`
	MultipleWrites  bool              `json:"enableMultipleWriteLocations"`
	ContinuousSave  bool              `json:"continuousBackupEnabled"`
	NRegionSync     bool              `json:"enableNRegionSynchronousCommit"`
	Replication     map[string]any    `json:"userReplicationPolicy"`
	Consistency     map[string]string `json:"userConsistencyPolicy"`
	SystemPolicy    map[string]any    `json:"systemReplicationPolicy"`
	ReadPolicy      map[string]int    `json:"readPolicy"`
	QueryEngineConf string            `json:"queryEngineConfiguration"`
}

func (c *call) serveAccount() error {
	if c.method != http.MethodGet {
		return methodNotAllowed()
	}
	if err := c.enter(nil, ""); err != nil {
		return err
	}
	here := []accountLocation{{Name: regionName, Endpoint: advertised(c.base)}}
	name := "localhost"
	if u, err := url.Parse(c.base); err == nil && u.Hostname() != "" {
		name = u.Hostname()
	}
	replicas := map[string]any{"minReplicaSetSize": 1, "maxReplicasetSize": 4}
	body, err := json.Marshal(accountDocument{
		ID: name, RID: name, Media: "//media/", Addresses: "//addresses/", Databases: "//dbs/",
		Writable: here, Readable: here,
		Replication:  map[string]any{"asyncReplication": false, "minReplicaSetSize": 1, "maxReplicasetSize": 4},
		Consistency:  map[string]string{"defaultConsistencyLevel": c.e.opts.Consistency},
		SystemPolicy: replicas,
		ReadPolicy:   map[string]int{"primaryReadCoefficient": 1, "secondaryReadCoefficient": 1},
		QueryEngineConf: `{"maxSqlQueryInputLength":262144,"maxJoinsPerSqlQuery":5,"maxLogicalAndPerSqlQuery":500,` +
			`"maxLogicalOrPerSqlQuery":500,"maxUdfRefPerSqlQuery":10,"maxInExpressionItemsCount":16000,` +
			`"queryMaxInMemorySortDocumentCount":500,"maxQueryRequestTimeoutFraction":0.9,"sqlAllowNonFiniteNumbers":false,` +
			`"sqlAllowAggregateFunctions":true,"sqlAllowSubQuery":true,"sqlAllowScalarSubQuery":true,"allowNewKeywords":true,` +
			`"sqlAllowLike":true,"sqlAllowGroupByClause":true,"maxSpatialQueryCells":12,"spatialMaxGeometryPointCount":256}`,
	})
	if err != nil {
		return err
	}
	return c.respond(http.StatusOK, body)
}

// advertised is the endpoint that clients shall use: the one they used already, with localhost as the address it listens on.
func advertised(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	if strings.EqualFold(u.Hostname(), "localhost") {
		u.Host = "127.0.0.1"
		if port := portOf(base); port != "" {
			u.Host += ":" + port
		}
	}
	return u.String()
}

func portOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Port()
}

func methodNotAllowed() *refusal {
	return refuse(http.StatusMethodNotAllowed, "The requested verb is not supported.")
}
