// Package grpcserver hosts services: one gRPC listener, one admin listener for plain HTTP, one chain that every call passes.
//
//	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
//	defer stop()
//	context.AfterFunc(ctx, stop) // a second signal ends the process at once
//	err := grpcserver.Serve(ctx, cfg.Server, deps, profileService)
//
// The way of a call, unary or stream: recover panics, name the call, set a deadline, trace, authenticate, apply the method's
// access rule (option supergame.options.v1.access), refuse erased players, validate (protovalidate), limit the rate, carry the
// session, count request units, log, measure. What a handler returns as a fault becomes a status here (package wire) and nowhere else.
//
// The admin port has /healthz (the process runs), /readyz (every service is ready), /readyz/<service>, /metrics and what
// services add. gRPC health answers by full service name; health and reflection need no token.
package grpcserver
