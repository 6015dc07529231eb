package sql

// walk visits a tree from the top while fn returns true, and does not enter subqueries.
func walk(n node, fn func(node) bool) {
	if n == nil || !fn(n) {
		return
	}
	for _, c := range children(n) {
		walk(c, fn)
	}
}

func children(n node) []node {
	switch n := n.(type) {
	case *memberNode:
		return []node{n.of}
	case *indexNode:
		return []node{n.of, n.index}
	case *parenNode:
		return []node{n.inner}
	case *unaryNode:
		return []node{n.inner}
	case *binaryNode:
		return []node{n.left, n.right}
	case *logicNode:
		return n.terms
	case *ternaryNode:
		return []node{n.cond, n.yes, n.no}
	case *inNode:
		return append([]node{n.needle}, n.list...)
	case *betweenNode:
		return []node{n.subject, n.low, n.high}
	case *likeNode:
		return []node{n.subject, n.pattern}
	case *callNode:
		return n.args
	case *arrayNode:
		return n.items
	case *objectNode:
		return n.vals
	}
	return nil
}
