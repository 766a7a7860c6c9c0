package artifact

import "hash"

// hasher hashes on a goroutine of its own. What it is given must stay as it is
// until it is given more.
type hasher struct {
	work chan []byte
	done chan struct{} // what was given last is hashed
	busy bool
}

func beside(into hash.Hash) *hasher {
	if into == nil {
		return nil
	}
	h := &hasher{work: make(chan []byte), done: make(chan struct{})}
	go func() {
		for p := range h.work {
			into.Write(p)
			h.done <- struct{}{}
		}
		close(h.done)
	}()
	return h
}

func (h *hasher) write(p []byte) {
	if h == nil {
		return
	}
	if h.busy {
		<-h.done
	}
	h.work <- p
	h.busy = true
}

// end waits until all is hashed and the goroutine has ended.
func (h *hasher) end() {
	if h == nil {
		return
	}
	if h.busy {
		<-h.done
	}
	close(h.work)
	<-h.done
}
