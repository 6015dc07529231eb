package sql

// node is a scalar expression as written. Parentheses are kept, so that printing a tree needs no precedence.
type node interface {
	// span is the place in the text that an error about the node points to.
	span() (start, end int)
}

type place struct{ start, stop int }

func (s place) span() (start, end int) { return s.start, s.stop }

type (
	literalNode struct {
		place
		val value
	}
	paramNode struct {
		place
		name string
	}
	// identNode is an alias.
	identNode struct {
		place
		name string
	}
	// memberNode is x.name or x["name"].
	memberNode struct {
		place
		of   node
		name string
	}
	// indexNode is x[index] for any other index.
	indexNode struct {
		place
		of, index node
	}
	parenNode struct {
		place
		inner node
	}
	unaryNode struct {
		place
		op    string
		inner node
	}
	binaryNode struct {
		place
		op          string
		left, right node
	}
	// logicNode is a chain of AND or of OR.
	logicNode struct {
		place
		op    string
		terms []node
	}
	ternaryNode struct {
		place
		cond, yes, no node
	}
	inNode struct {
		place
		needle node
		list   []node
		not    bool
	}
	betweenNode struct {
		place
		subject, low, high node
		not                bool
	}
	likeNode struct {
		place
		subject, pattern, escape node // escape may be nil
		not                      bool
	}
	callNode struct {
		place
		name string
		args []node
	}
	arrayNode struct {
		place
		items []node
	}
	objectNode struct {
		place
		keys []string
		vals []node
	}
	// subqueryNode is (SELECT ...), EXISTS(SELECT ...) or ARRAY(SELECT ...).
	subqueryNode struct {
		place
		form  string // "", "EXISTS", "ARRAY"
		query *queryNode
	}
)

// queryNode is a query as written.
type queryNode struct {
	place
	distinct bool
	top      node // nil, literal or parameter
	star     bool
	value    node // SELECT VALUE, nil for a list
	list     []selectItem
	from     []sourceNode
	where    node
	groupBy  []node
	orderBy  []orderItem
	offset   node // with limit: nil, literal or parameter
	limit    node
}

type selectItem struct {
	expr  node
	alias string
}

type orderItem struct {
	expr node
	desc bool
}

// sourceNode is one item of FROM or JOIN: a path or a subquery, taken whole or iterated with IN.
type sourceNode struct {
	place
	alias    string // as written or inferred, may be empty for a subquery
	named    bool   // alias was written
	iterate  bool
	path     node // identNode, memberNode or indexNode
	subquery *queryNode
}
