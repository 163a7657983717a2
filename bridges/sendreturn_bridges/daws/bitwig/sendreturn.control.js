// sendreturn-bridge @VERSION@
//
// sendreturn in Bitwig Studio: what comes back for the open project is laid into the clip launcher, each file on a new
// track, and a button sends what was bounced last. The daemon says what to place, one file at a time, and asks again
// until it is answered; which files were placed is kept in the project itself, so that it stays true when the project
// is closed without being saved. Both sides speak OSC on this machine only, and know each other by a secret.
//
// Written for the oldest JavaScript that Bitwig has run (ES5). Bitwig answers late: what a script changes is to be seen
// only some time later, which is why everything here is a step that looks whether the one before has come true.

loadAPI(13);
host.defineController("sendreturn", "sendreturn", "@VERSION@", "2f6a8c1e-93d5-4b0e-8a57-6c1d0f4e7b29", "sendreturn");
host.defineMidiPorts(0, 0);

var DAEMON_PORT = Number("@PORT@");
var SECRET = "@SECRET@";
var ADDRESS = "/sendreturn/bitwig/";
var OPERATIONS = ["extend", "cover", "inpaint", "stems", "midi"];

var TICK_MS = 100;
var HELLO_MS = 2000;
var ASK_MS = 1500; // until a wish to send is repeated
var GIVE_UP_MS = 6000; // until nobody seems to be there
var SETTLE_MS = 1000; // after another project came to the front, its settings follow
var TRACK_MS = 5000; // for a new track to appear
var FILE_MS = 20000; // for a file to appear in its slot
var MARKS_KEPT = 200; // files of which the project remembers that they were placed

var application, project, transport, meter, tracks, scenes, cursor, slot; // what Bitwig gives
var folder, preset, operation, placed; // settings in the project
var connection, port;
var clock = 0;
var projectCameAt = 0;
var marks = "";
var inbox = [];
var job = null; // the file that is being placed
var wish = null; // what the button has asked for and nobody has answered yet
var isHeard = true;

function init() {
  openProject();
  openSettings();
  openOsc();
  host.scheduleTask(tick, TICK_MS);
}

function flush() {}

function exit() {}

function tick() {
  host.scheduleTask(tick, TICK_MS);
  clock += TICK_MS;
  try {
    while (inbox.length > 0) inbox.shift()();
    if (job) job.step();
    if (wish) askAgain();
    if (clock % HELLO_MS === 0) hello();
  } catch (odd) {
    host.println("sendreturn: " + odd);
    leaveOff();
  }
}

// The file stays marked as begun, so that it is not placed a second time where it lies there after all.
function leaveOff() {
  if (job) cursor.isPinned().set(false);
  job = null;
}

// What Bitwig gives

function openProject() {
  application = host.createApplication();
  project = host.getProject();
  transport = host.createTransport();
  tracks = host.createTrackBank(1, 0, 0, true);
  scenes = host.createSceneBank(1);
  cursor = host.createCursorTrack("sendreturn", "sendreturn", 0, 1, true);
  slot = cursor.clipLauncherSlotBank().getItemAt(0);
  meter = transport.timeSignature();
  application.projectName().addValueObserver(projectCame);
  var read = [
    transport.tempo().value(), meter.numerator(), meter.denominator(),
    transport.isPlaying(), transport.isArrangerRecordEnabled(),
    tracks.itemCount(), scenes.itemCount(), slot.hasContent(),
    cursor.exists(), cursor.name(), cursor.position(), cursor.trackType(), cursor.isPinned()
  ];
  for (var i = 0; i < read.length; i++) read[i].markInterested();
}

// They stand in the Studio I/O panel, and are saved in the project.
function openSettings() {
  var settings = host.getDocumentState();
  settings.getSignalSetting("Bounce first, then", "sendreturn", "Send the last bounce").addSignalObserver(send);
  operation = settings.getEnumSetting("Operation", "sendreturn", OPERATIONS, OPERATIONS[0]);
  preset = settings.getStringSetting("Preset in its place", "sendreturn", 100, "");
  folder = settings.getStringSetting("Project folder", "sendreturn", 1000, "");
  placed = settings.getStringSetting("Placed", "sendreturn", 8000, "");
  operation.markInterested();
  preset.markInterested();
  folder.markInterested();
  placed.addValueObserver(function (text) { marks = String(text); });
  try {
    placed.hide();
  } catch (shown) {
    host.println("sendreturn: the list of what was placed stays in sight, " + shown);
  }
}

function projectCame() {
  projectCameAt = clock;
  leaveOff();
}

function isSettled() {
  return clock - projectCameAt >= SETTLE_MS;
}

function isRecording() {
  return transport.isPlaying().get() && transport.isArrangerRecordEnabled().get();
}

// Talking with the daemon. Bitwig makes connections in init() only; a server's port may be chosen then.

function openOsc() {
  var osc = host.getOscModule();
  var space = osc.createAddressSpace();
  space.setName("sendreturn");
  space.registerDefaultMethod(receive);
  port = startServer(osc.createUdpServer(space));
  connection = osc.connectToUdpServer("127.0.0.1", DAEMON_PORT, osc.createAddressSpace());
}

function startServer(server) {
  for (var tries = 0; tries < 20; tries++) {
    var candidate = 49152 + Math.floor(Math.random() * 16000);
    try {
      server.start(candidate);
      return candidate;
    } catch (taken) {
      host.println("sendreturn: port " + candidate + " cannot be had");
    }
  }
  host.showPopupNotification("sendreturn: no port is free. Restart the script in Settings > Controllers.");
  return 0;
}

function receive(source, message) {
  var address = String(message.getAddressPattern());
  var word = address.indexOf(ADDRESS) === 0 ? address.substring(ADDRESS.length) : "";
  try {
    if (!HEARD.hasOwnProperty(word) || String(message.getString(0)) !== SECRET) return;
    inbox.push(HEARD[word](message));
  } catch (odd) {
    host.println("sendreturn: passed over a message, " + odd);
  }
}

// Each gives what is to be done, with what the message says.
var HEARD = {
  ping: function (message) {
    var nonce = String(message.getString(1));
    return function () { say(function (to) { to.sendMessage(ADDRESS + "pong", SECRET, nonce); }); };
  },
  note: function (message) {
    var request = String(message.getString(1)), text = String(message.getString(2));
    return function () {
      if (wish && wish.request === request) wish = null;
      host.showPopupNotification(text);
    };
  },
  place: function (message) {
    var file = {
      project: String(message.getString(1)), send: String(message.getString(2)), index: Number(message.getInt(3)),
      kind: String(message.getString(4)), name: String(message.getString(5)), color: String(message.getString(6)),
      path: String(message.getString(7))
    };
    file.key = [file.send, file.index].join(".");
    return function () { place(file); };
  }
};

function say(what) {
  try {
    what(connection);
    isHeard = true;
  } catch (gone) { // nobody listens: the daemon is not running
    if (isHeard) host.println("sendreturn: " + gone);
    isHeard = false;
  }
}

function hello() {
  if (!isSettled()) return;
  var name = String(application.projectName().get()), where = String(folder.get());
  var track = String(cursor.name().get()), signature = [meter.numerator().get(), meter.denominator().get()].join("/");
  var bpm = String(Math.round(transport.tempo().value().getRaw() * 1000) / 1000);
  var version = String(host.getHostVersion());
  say(function (to) {
    to.sendMessage(ADDRESS + "hello", SECRET, port, "@VERSION@", version, name, where, track, bpm, signature);
  });
}

// Sending what was bounced last

function send() {
  var word = String(preset.get()) || String(operation.get());
  var request = [new Date().getTime().toString(36), Math.random().toString(36).substring(2)].join("-");
  wish = { request: request, word: word, since: clock, asked: -ASK_MS };
}

// The same request is the same send, however often it is heard.
function askAgain() {
  if (clock - wish.since > GIVE_UP_MS) {
    wish = null;
    host.showPopupNotification("sendreturn does not answer: start it with “sendreturn run”.");
  } else if (isSettled() && clock - wish.asked >= ASK_MS) {
    wish.asked = clock;
    var request = wish.request, word = wish.word;
    hello();
    say(function (to) { to.sendMessage(ADDRESS + "send", SECRET, request, word); });
  }
}

// Placing one file

function place(file) {
  if (job || !isSettled() || String(application.projectName().get()) !== file.project) return;
  if (isMarked(file.key)) return answer(file, "already", "");
  if (isMarked(file.key + "?")) return answer(file, "unsure", "It was left off in the middle, and may lie there.");
  if (isRecording()) return;
  remember(file.key + "?");
  job = { file: file, until: clock + TRACK_MS, step: createTrack };
}

// Our own cursor follows the selection until it is pinned to the track that Bitwig makes and selects.
function createTrack() {
  if (cursor.isPinned().get()) {
    cursor.isPinned().set(false);
    return whenLate("stuck", "sendreturn's own track cursor stayed pinned.");
  }
  job.before = shape();
  job.name = cursor.name().get();
  job.count = tracks.itemCount().get();
  job.step = awaitTrack;
  if (scenes.itemCount().get() === 0) project.createScene();
  if (job.file.kind === "midi") application.createInstrumentTrack(-1);
  else application.createAudioTrack(-1);
}

function awaitTrack() {
  var type = job.file.kind === "midi" ? "Instrument" : "Audio";
  var isOther = shape() !== job.before || cursor.name().get() !== job.name;
  var isNew = isOther && tracks.itemCount().get() === job.count + 1;
  if (!isNew || String(cursor.trackType().get()) !== type || slot.hasContent().get()) {
    return whenLate("stuck", "Bitwig made no new track, or did not select it.");
  }
  job.found = shape();
  job.step = awaitPin;
  cursor.isPinned().set(true);
}

function awaitPin() {
  if (!cursor.isPinned().get()) return whenLate("stuck", "The new track could not be held on to.");
  if (shape() !== job.found || slot.hasContent().get()) {
    return refuse("refused", "Another track was selected meanwhile.");
  }
  cursor.name().set(job.file.name);
  paint(job.file.color);
  job.until = clock + FILE_MS;
  job.step = awaitContent;
  slot.replaceInsertionPoint().insertFile(job.file.path);
}

function paint(color) {
  var parts = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/.exec(color);
  if (!parts) return;
  var rgb = parts.slice(1).map(function (part) { return parseInt(part, 16) / 255; });
  cursor.color().set(rgb[0], rgb[1], rgb[2]);
}

// A file that Bitwig does not take is passed over without a word.
function awaitContent() {
  if (!slot.hasContent().get()) return whenLate("refused", "Bitwig did not take the file.");
  forget(job.file.key + "?");
  remember(job.file.key);
  end("placed", "");
}

function whenLate(result, why) {
  if (clock >= job.until) refuse(result, why);
}

// "stuck" is what the next file would come to as well; it would only leave one more empty track.
function refuse(result, why) {
  forget(job.file.key + "?");
  end(result, why);
}

function end(result, text) {
  var file = job.file;
  job = null;
  cursor.isPinned().set(false);
  answer(file, result, text);
}

function answer(file, result, text) {
  say(function (to) { to.sendMessage(ADDRESS + "placed", SECRET, file.send, file.index, result, text); });
}

// What the cursor stands on
function shape() {
  return [cursor.exists().get(), cursor.position().get(), cursor.trackType().get()].join(" ");
}

// What the project remembers: "send.number" of each file that lies in it, with "?" while it is being placed

function isMarked(key) {
  return marks.split(" ").indexOf(key) >= 0;
}

function remember(key) {
  keep(marks.split(" ").concat([key]).slice(-MARKS_KEPT));
}

function forget(key) {
  keep(marks.split(" ").filter(function (other) { return other !== key; }));
}

function keep(keys) {
  marks = keys.filter(function (key) { return key !== ""; }).join(" ");
  placed.set(marks);
}
