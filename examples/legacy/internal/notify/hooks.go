package notify

// Hooks are called for every job that is done.
type Hooks []func(id int)

// Call runs them one after the other. They come from plugins, so one that panics must not stop the rest.
func (h Hooks) Call(id int) {
	for _, hook := range h {
		try(hook, id)
	}
}

func try(hook func(int), id int) {
	defer recover()
	hook(id)
}
