// @MARK@
// What the buttons of this session do, and what the daemon answers: functions that all widgets' scripts share.
// They are called from such scripts, so that get, set and send are Open Stage Control's.
globals.daemon = '127.0.0.1:@PORT@'
globals.sliders = @SLIDERS@
globals.moved = {}
globals.named = {}
globals.sends = {approve: '', cancel: '', retry: ''}
globals.heardAt = 0

globals.say = (word, ...values) => send(globals.daemon, '/sendreturn/' + word, ...values)

globals.isLinked = () => Date.now() - globals.heardAt < 25000

globals.tell = (text, isWrong) => {
    set('text', text, {send: false})
    setVar('text', 'color', isWrong ? '#ff8074' : '#ffffff')
}

globals.point = (button, id) => {
    globals.sends[button] = id
    setVar(button, 'lit', id !== '')
}

globals.show = (id, state, progress, text) => {
    set('title', (globals.named[id] ? globals.named[id] + ' ' : '') + id, {send: false})
    set('progress', progress, {send: false})
    globals.tell(text || state.replace(/_/g, ' '))
}

globals.follow = (id, state) => {
    const about = {
        approve: state === 'waiting_approval',
        cancel: !['done', 'failed', 'cancelled'].includes(state),
        retry: ['failed', 'cancelled', 'uncertain'].includes(state),
    }
    for (const button in about) {
        if (about[button]) globals.point(button, id)
        else if (globals.sends[button] === id) globals.point(button, '')
    }
}

globals.hear = {
    pong: () => {
        if (!globals.isLinked()) globals.say('list', 'waiting_approval', 'uncertain')
        globals.heardAt = Date.now()
        set('link', 1, {send: false})
    },
    accepted: (id, operation) => {
        globals.named[id] = operation
        globals.show(id, 'accepted', 0, '')
    },
    state: (id, state, progress, text) => {
        globals.follow(id, state)
        globals.show(id, state, progress, text)
    },
    done: (id, folder, count) => globals.show(id, 'done', 1, 'Done: ' + count + ' files came back.'),
    failed: (id, text) => globals.tell(text, true),
    error: (text) => globals.tell(text, true),
}

globals.press = (word) => {
    const values = []
    for (const name of ['prompt', 'style']) {
        const text = String(get(name)).trim()
        if (text) values.push(name, text)
    }
    for (const name of globals.sliders) {
        if (globals.moved[name]) values.push(name, Math.round(get(name) * 100) / 100)
    }
    globals.say('selected', word, ...values)
    globals.tell(word + ': what is selected in the DAW is asked for.')
}

globals.turn = (word) => {
    if (globals.sends[word]) globals.say(word, globals.sends[word])
    else globals.tell('There is nothing to ' + word + '.')
}

globals.slide = (name, counts) => {
    globals.moved[name] = counts
    setVar(name, 'counts', counts)
    setVar(name + '_value', 'counts', counts)
}

// A subscription ends with the daemon, so that it is renewed; the answer shows that the daemon is there.
globals.renew = () => {
    if (globals.heardAt && !globals.isLinked()) {
        set('link', 0, {send: false})
        globals.tell('The daemon does not answer. Start it with `sendreturn run`.', true)
    }
    globals.say('subscribe')
}
