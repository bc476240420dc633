// NNI's page as the manager serves it. NNI takes its icons from the net: here they come from this
// package. An experiment of AutoSNN opens with its trials, and with the columns that matter.
"use strict";
const fs = require("fs");
const path = require("path");

const FOLDER = path.join(__dirname, "page");
const PAGES = ["/", "/index.html", "/oview", "/detail", "/experiment"];

// The code of NNI's table of trials, and what has to change in it for an architecture to fit in a
// window: widths in pixels, titles such as "tbd1 (space)", and numbers with 17 digits, of which the
// window would show the first ones, without the exponent.
const TABLE = "/static/js/616.8c67a119.chunk.js";
const EDITS = [
    [/(?<=\.value\[0\]:)150/, "80"],
    [/(?<=name:"sequenceId",value:\[)\d+/, "75"],
    [/(?<=name:"status",value:\[)\d+/, "85"],
    [/(?<=name:"latestAccuracy",value:\[)\d+/, "115"],
    [/(?<=\(a\);t\.push\(\{name:)e(?=,)/, String.raw`e.replace(/ \(\w+\)$/,"")`],
    [/(?<=a\.startsWith\("space\/"\)\)&&\{onRender:e=>[^}]*value:)e\[a\](?=\})/, `(${short})(e[a])`],
];

function short(value) {
    if (typeof value !== "number" || Number.isInteger(value)) {
        return value;
    }
    if (Math.abs(value) < 0.001) {
        return value.toExponential(3);
    }
    return Math.abs(value) < 1000 ? Number(value.toPrecision(4)) : Math.round(value);
}

// A file of NNI's page, which is in the manager's working directory.
function read(name) {
    return fs.readFileSync(path.join("static", name), "utf8");
}

// NNI's page, and what runs before it.
function page(experiment, chosen) {
    const before = fs.readFileSync(path.join(FOLDER, "before.js"), "utf8");
    const values = [experiment, chosen].map((one) => JSON.stringify(one).replace(/</g, "\\u003c"));
    const script = `<script>${before}(${values});</script>`;
    return read("index.html").replace("</head>", () => `${script}</head>`);
}

function fittingTable() {
    return EDITS.reduce((code, [found, better]) => code.replace(found, () => better), read(TABLE));
}

// `chosen` has columns and axes, see page/before.js; for experiments of others it is empty.
function serveOwnPage(chosen) {
    return (server) => {
        const { start } = server.prototype;
        server.prototype.start = function () {
            const { args, rest } = global.nni;
            const app = rest.getExpressApp();
            const serve = (name, answer) => {
                app.get(this.urlPrefix ? `/${this.urlPrefix}${name}` : name, answer);
            };
            if (chosen.columns) {
                serve("/", (request, response) => response.redirect(path.posix.join(request.path, "detail")));
                serve(TABLE, (_, response) => response.type("js").send(fittingTable()));
            }
            for (const name of PAGES) {
                serve(name, (_, response) => response.send(page(args.experimentId, chosen)));
            }
            // NNI's page asks for 19 fonts, each with a part of the icons. This one has all it uses.
            serve("/autosnn/*.woff", (_, response) => {
                response.sendFile(path.join(FOLDER, "icons.woff"));
            });
            return start.call(this);
        };
    };
}

module.exports = { serveOwnPage };
