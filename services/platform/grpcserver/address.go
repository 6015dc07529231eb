package grpcserver

import (
	"context"
	"net"
	"net/netip"
	"strings"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// clientAddress returns where a call comes from. Each of the trusted proxies in front has appended to X-Forwarded-For the address it
// was called from, so the client's is the hops-th from the right; whatever stands before it is the client's own claim. Without
// hops, or when the header is shorter than it must be, it is the address of the connection. The zero Addr stands for a caller
// inside the process.
func clientAddress(ctx context.Context, hops int) netip.Addr {
	if hops > 0 {
		entries := strings.Split(strings.Join(metadata.ValueFromIncomingContext(ctx, "x-forwarded-for"), ","), ",")
		if len(entries) >= hops {
			if address, ok := parseAddress(strings.TrimSpace(entries[len(entries)-hops])); ok {
				return address
			}
		}
	}
	p, ok := peer.FromContext(ctx)
	if !ok {
		return netip.Addr{}
	}
	if tcp, ok := p.Addr.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// parseAddress takes "1.2.3.4", "1.2.3.4:567", "::1" and "[::1]:567".
func parseAddress(text string) (netip.Addr, bool) {
	if address, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return address.Unmap(), true
	}
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap(), true
	}
	return netip.Addr{}, false
}

// rateKey returns what to count an address under: itself, or for IPv6 its /64, which is what one customer has. "" for the zero Addr.
func rateKey(address netip.Addr) string {
	if !address.IsValid() {
		return ""
	}
	if address.Is6() {
		if prefix, err := address.WithZone("").Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return address.String()
}
