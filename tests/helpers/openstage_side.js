// As much of Open Stage Control's scripting as the session needs. Reads {session, acts} from standard input; answers
// {sent, values, vars}. Acts: ["hear", address, ...arguments], ["press", id], ["external", id], ["set", id, value],
// ["touch", id], ["pass", milliseconds].
const {session, acts} = JSON.parse(require('fs').readFileSync(0, 'utf-8'))
const widgets = {}, values = {}, vars = {}, sent = [], intervals = []
const globals = {}
let now = 1e6
Date.now = () => now

const walk = (widget) => {
    if (widgets[widget.id]) throw new Error('two widgets have the id ' + widget.id)
    widgets[widget.id] = widget
    values[widget.id] = widget.default === undefined ? '' : widget.default
    for (const child of [...widget.widgets || [], ...widget.tabs || []]) walk(child)
}
const known = (id) => {
    if (!widgets[id]) throw new Error('there is no widget ' + id)
    return id
}
const api = {
    globals,
    get: (id) => values[known(id)],
    set: (id, value) => { values[known(id)] = value },
    setVar: (id, name, value) => { (vars[known(id)] ||= {})[name] = value },
    getVar: (id, name) => (vars[known(id)] || {})[name],
    send: (target, address, ...args) => sent.push([target, address, args]),
    setInterval: (id, callback, ms) => intervals.push({callback, ms, due: now + ms}),
}
const run = (script, locals) => {
    const names = [...Object.keys(api), ...Object.keys(locals)]
    new Function(...names, '"use strict";' + script)(...Object.values(api), ...Object.values(locals))
}

walk(session.content)
run(session.content.onPreload, {locals: {}})
run(session.content.onCreate, {locals: {}, value: null})
const doers = {
    hear: (address, ...args) => {
        const ears = Object.values(widgets).filter((widget) => widget.address === address)
        for (const ear of ears) run(ear.onValue, {locals: {}, id: ear.id, value: args.length === 1 ? args[0] : args})
    },
    press: (id) => run(widgets[known(id)].onValue, {locals: {external: false}, id, value: null}),
    external: (id) => run(widgets[known(id)].onValue, {locals: {external: true}, id, value: null}),
    set: (id, value) => { values[known(id)] = value },
    touch: (id) => run(widgets[known(id)].onTouch, {locals: {}, value: values[id], event: {type: 'start'}}),
    pass: (ms) => {
        now += ms
        for (const one of intervals) for (; one.due <= now; one.due += one.ms) one.callback()
    },
}
for (const [act, ...rest] of acts) doers[act](...rest)
console.log(JSON.stringify({sent, values, vars}))
