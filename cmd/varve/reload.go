package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
)

// watchReload takes the log's levels from the configuration again whenever
// SIGHUP comes, until the function it returns is called.
func (p *program) watchReload(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	hangups := make(chan os.Signal, 1)
	if len(reloadSignals) > 0 { // none would mean all
		signal.Notify(hangups, reloadSignals...)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangups:
				p.reloadLevels()
			}
		}
	})
	return func() {
		signal.Stop(hangups)
		cancel()
		running.Wait()
	}
}

func (p *program) reloadLevels() {
	c, err := p.reload()
	if err != nil {
		p.log.Error("the configuration is not read again", "err", err)
		return
	}
	p.levels.now.Store(&c.Log)
	p.log.Warn("the log's levels were set again", "log", c.Log.String())
}
