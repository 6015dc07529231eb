package cosmos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/services/platform/fault"
)

// Prepare makes sure that the containers are as a service needs them: it creates what is missing where COSMOS_CREATE allows
// that, and checks. A service calls it until it succeeds and is not ready before.
func (c *Client) Prepare(ctx context.Context, specs []ContainerSpec) error {
	if c.create {
		if err := c.Ensure(ctx, specs); err != nil {
			return err
		}
	}
	return c.Check(ctx, specs)
}

// Ensure creates the database and the containers that are missing, and changes none that exists. It needs COSMOS_CREATE,
// and a key: data-plane roles cannot create.
func (c *Client) Ensure(ctx context.Context, specs []ContainerSpec) error {
	if !c.create {
		return fault.New(fault.FailedPrecondition, ReasonNotPrepared, "COSMOS_CREATE is not set: infrastructure creates databases and containers")
	}
	connection, err := c.connect(ctx)
	if err != nil {
		return fmt.Errorf("database %q cannot be created: %w", c.database, refuse(ctx, err).fault)
	}
	_, err = connection.sdk.CreateDatabase(ctx, azcosmos.DatabaseProperties{ID: c.database}, nil)
	if err != nil && !hasStatus(err, http.StatusConflict) {
		return fmt.Errorf("database %q cannot be created: %w", c.database, refuse(ctx, err).fault)
	}
	database, err := connection.sdk.NewDatabase(c.database)
	if err != nil {
		return fault.New(fault.Internal, "STORE_CONFIG", "database %q", c.database).Because(err)
	}
	for _, spec := range specs {
		properties, err := spec.properties()
		if err != nil {
			return fault.New(fault.Internal, "STORE_CONFIG", "container %q", spec.ID).Because(err)
		}
		_, err = database.CreateContainer(ctx, properties, nil)
		if err != nil && !hasStatus(err, http.StatusConflict) {
			return fmt.Errorf("container %q cannot be created: %w", spec.ID, refuse(ctx, err).fault)
		}
	}
	return nil
}

// Check compares the containers with their specs. The fault (FAILED_PRECONDITION, CONTAINERS_NOT_READY, or UNAVAILABLE when the
// account does not answer or the role assignment is missing) names everything that is missing or different.
func (c *Client) Check(ctx context.Context, specs []ContainerSpec) error {
	var problems []string
	kind := fault.FailedPrecondition
	var causes []error
	for _, spec := range specs {
		properties, err := c.readContainer(ctx, spec.ID)
		if hasStatus(err, http.StatusNotFound) {
			problems = append(problems, fmt.Sprintf("container %q does not exist in database %q", spec.ID, c.database))
			continue
		}
		if err != nil {
			refused := refuse(ctx, err).fault
			problems = append(problems, fmt.Sprintf("container %q cannot be read: %s", spec.ID, refused.Message))
			kind, causes = refused.Kind, append(causes, err)
			continue
		}
		problems = append(problems, differences(spec, *properties)...)
	}
	if len(problems) == 0 {
		return nil
	}
	return fault.New(kind, ReasonNotPrepared, "%s", strings.Join(problems, "; ")).Because(errors.Join(causes...))
}

func (c *Client) readContainer(ctx context.Context, id string) (*azcosmos.ContainerProperties, error) {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	connection, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	response, err := connection.container(id).Read(ctx, nil)
	return response.ContainerProperties, err
}

func hasStatus(err error, status int) bool {
	var response *azcore.ResponseError
	return errors.As(err, &response) && response.StatusCode == status
}

// differences lists in words where a container is not what its spec says.
func differences(want ContainerSpec, properties azcosmos.ContainerProperties) []string {
	is, err := specOf(properties)
	if err != nil {
		return []string{fmt.Sprintf("container %q cannot be understood: %v", want.ID, err)}
	}
	var found []string
	compare := func(what, is, want string) {
		if is != want {
			found = append(found, fmt.Sprintf("container %q: %s is %s, not %s", properties.ID, what, is, want))
		}
	}
	compare("the partition key", fmt.Sprint(is.PartitionKey.Paths), fmt.Sprint(want.PartitionKey.Paths))
	compare("defaultTtl", ttlText(is.DefaultTTL), ttlText(want.DefaultTTL))
	compare("indexingMode", is.IndexingPolicy.IndexingMode, want.IndexingPolicy.IndexingMode)
	if want.IndexingPolicy.IndexingMode == "consistent" {
		compare("the list of included paths", pathText(is.IndexingPolicy.IncludedPaths), pathText(want.IndexingPolicy.IncludedPaths))
		compare("the list of excluded paths", pathText(is.IndexingPolicy.ExcludedPaths), pathText(want.IndexingPolicy.ExcludedPaths))
		compare("the list of composite indexes", compositeText(is.IndexingPolicy.CompositeIndexes), compositeText(want.IndexingPolicy.CompositeIndexes))
	}
	compare("the list of unique keys", uniqueText(is.UniqueKeyPolicy), uniqueText(want.UniqueKeyPolicy))
	return found
}

func ttlText(ttl *int32) string {
	if ttl == nil {
		return "absent"
	}
	return fmt.Sprint(*ttl)
}

// pathText ignores the order, and the _etag that the service adds to the excluded paths by itself.
func pathText(paths []PathSpec) string {
	var list []string
	for _, p := range paths {
		if strings.ReplaceAll(p.Path, `"`, "") != "/_etag/?" {
			list = append(list, p.Path)
		}
	}
	slices.Sort(list)
	return fmt.Sprint(list)
}

func compositeText(indexes [][]CompositeSpec) string {
	list := make([]string, 0, len(indexes))
	for _, index := range indexes {
		paths := make([]string, 0, len(index))
		for _, p := range index {
			order := p.Order
			if order == "" {
				order = "ascending"
			}
			paths = append(paths, p.Path+" "+order)
		}
		list = append(list, strings.Join(paths, ", "))
	}
	slices.Sort(list)
	return fmt.Sprintf("%q", list)
}

func uniqueText(policy *UniqueKeySpec) string {
	var list []string
	if policy != nil {
		for _, key := range policy.UniqueKeys {
			list = append(list, strings.Join(key.Paths, ","))
		}
	}
	slices.Sort(list)
	return fmt.Sprint(list)
}

// DropDatabase deletes the client's database with everything in it. It needs COSMOS_CREATE, as [Client.Ensure]: it is there
// for tests that made one.
func (c *Client) DropDatabase(ctx context.Context) error {
	if !c.create {
		return fault.New(fault.FailedPrecondition, ReasonNotPrepared, "COSMOS_CREATE is not set: this database is not ours to drop")
	}
	connection, err := c.connect(ctx)
	if err != nil {
		return refuse(ctx, err).fault
	}
	database, err := connection.sdk.NewDatabase(c.database)
	if err != nil {
		return fault.New(fault.Internal, "STORE_CONFIG", "database %q", c.database).Because(err)
	}
	if _, err := database.Delete(ctx, nil); err != nil && !hasStatus(err, http.StatusNotFound) {
		return refuse(ctx, err).fault
	}
	return nil
}
