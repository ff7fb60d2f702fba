// A state as a picture: at the left the processes with their mappings, page by page; at the right the pages of the files in
// the page cache, the private copies, and, where a line is about it, what the disk may have. An arrow leads from each page of a mapping to what it shows. The colours and the
// outlines are those of the book's figures.

const picture = (() => {
    const START = { files: [], processes: [{ process: "A", descriptors: [], mappings: [] }], disk: { names: [], files: [], disks: 1 } };
    const ROW = 24, CARD = 38, SMALL = 15, GAP = 8, EDGE = 8;
    // The most rows of one mapping or file, and the pages up to which each has its own.
    const MOST_ROWS = 12, FEW = 6;

    const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
    const widthOf = (text, size, mono) => [...text].reduce((sum, c) => sum + (c > "\u2e80" ? size : size * (mono ? 0.605 : 0.56)), 0);
    const fit = (text, width, size, mono = false) => {
        if (widthOf(text, size, mono) <= width) { return text; }
        let cut = [...text];
        while (cut.length > 1 && widthOf(cut.join("") + "…", size, mono) > width) { cut.pop(); }
        return cut.join("") + "…";
    };
    const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

    // ---- Bytes ----

    const one = (byte) => {
        if (byte === null) { return "?"; }
        if (Array.isArray(byte)) { return `(${byte.map(one).join("|")})`; }
        return byte >= 33 && byte < 127 ? String.fromCharCode(byte) : byte === 0 ? "0" : "·";
    };
    // Runs as in a scenario, but short: "ab" 0…
    const bytes = (runs) => {
        const parts = [];
        let text = "";
        const end = () => { if (text !== "") { parts.push(`"${text}"`); text = ""; } };
        for (const [byte, times] of runs) {
            if (byte !== 0 && typeof byte === "number" && times <= 8) { text += one(byte).repeat(times); continue; }
            end();
            const long = times > 3 ? one(byte) + "…" : one(byte).repeat(times);
            parts.push(byte === 0 || typeof byte !== "number" ? long : `'${one(byte)}'…`);
        }
        end();
        return parts.join(" ");
    };
    // The runs up to a place, and those from there on.
    const split = (runs, at) => {
        const [before, after] = [[], []];
        let place = 0;
        for (const [byte, times] of runs) {
            const left = Math.max(0, Math.min(times, at - place));
            if (left > 0) { before.push([byte, left]); }
            if (times > left) { after.push([byte, times - left]); }
            place += times;
        }
        return [before, after];
    };

    // ---- What the pictures of a trace have in common ----

    // A number of bytes as a scenario writes it: 2p-1.
    const amount = (text, page) => {
        const [, pages, sign, rest] = /^(?:(\d+)p)?([+-]?)(\d+)?$/.exec(text) ?? [];
        return (pages ? pages * page : 0) + (sign === "-" ? -1 : 1) * (rest ?? 0);
    };

    // The state before each line and after it, and what no state tells: how processes died, which mappings are gone, the last
    // name of each file, and the order in which things came.
    const scenes = (lines, page) => {
        let scene = { number: 0, line: null, state: START, before: START, graves: new Map(), ghosts: [], names: new Map(), order: ["A"] };
        const all = [scene];
        // A scenario that says nothing of the disk is not about it.
        const hasDisk = lines.some(({ operation }) => /^(fsync|fsync_dir|fail|cut)( |$)/.test(operation));
        lines.forEach((line, index) => {
            const before = scene.state, state = line.state;
            const graves = new Map(scene.graves), names = new Map(scene.names), order = [...scene.order];
            for (const { process, mappings } of state.processes) {
                graves.delete(process);
                for (const key of [process, ...mappings.map(({ name }) => name)]) { if (!order.includes(key)) { order.push(key); } }
            }
            const events = line.events ?? [];
            for (const { process, how } of events.filter(({ kind }) => kind === "process_gone")) {
                graves.set(process, { how, line: line.number, was: before.processes.find((other) => other.process === process) });
            }
            for (const file of state.files) { if (file.names.length > 0) { names.set(file.number, file.names[0]); } }
            const has = (process, name) => state.processes.some((other) => other.process === process && other.mappings.some((mapping) => mapping.name === name));
            const lost = before.processes.flatMap(({ process, mappings }) => mappings.map(({ name }) => ({ process, name })))
                .filter(({ process, name }) => !has(process, name) && state.processes.some((other) => other.process === process));
            const isCut = events.some(({ kind }) => kind === "power_cut");
            const ghosts = isCut ? [] : [...scene.ghosts, ...lost].filter(({ process, name }) => !has(process, name) && !graves.has(process));
            scene = { number: index + 1, line, state, before, graves, ghosts, names, order, events, page, hasDisk, isCut };
            all.push(scene);
        });
        return all;
    };

    const fileName = (scene, file) => {
        if (file.names.length > 0) { return file.names[0]; }
        const was = scene.names.get(file.number);
        return was ? say(WORDS.unlinked, was) : `#${file.number}`;
    };
    const titleOf = (scene, file) => (file.names.length > 0 ? say(WORDS.file, file.names[0]) : file.anonymous ? say(WORDS.memory, `#${file.number}`)
        : scene.names.has(file.number) ? say(WORDS.file, fileName(scene, file)) : say(WORDS.nameless, `#${file.number}`));
    const sizeOf = (file) => (file.size === 1 ? WORDS.size_1 : say(WORDS.size, file.size));

    // What the line accesses: pages of a mapping, or of a file through a descriptor; where it faults, and how.
    const access = (scene) => {
        const { line, events, page } = scene;
        if (!line) { return null; }
        const touched = events.find(({ kind }) => ["load", "store", "call"].includes(kind));
        const fault = /^(SIG\w+)\/(\w+) at (\S+)/.exec(line.model);
        if (touched) {
            const at = fault ? Math.floor(amount(fault[3], page) / page) : null;
            return { ...touched, fault: fault && { signal: fault[1], code: fault[2], page: at } };
        }
        const [operation, descriptor, offset, length] = line.operation.split(" ");
        if (operation !== "read" && operation !== "write") { return null; }
        const process = scene.state.processes.find(({ process }) => process === line.process);
        const file = process?.descriptors.find(({ name }) => name === descriptor)?.file;
        const failed = /^E[A-Z]+$/.test(line.model) || line.model === "nothing";
        if (file === undefined || failed) { return null; }
        return { kind: operation, process: line.process, descriptor, file, page: Math.floor(amount(offset, page) / page), length };
    };

    // ---- Rows: one for each page, or for a run of pages that are alike ----

    // Runs of pages with the same key. A page that the line accesses is alone.
    const rows = (pages, keyOf, alone) => {
        const found = [];
        pages.forEach((page, n) => {
            const key = JSON.stringify(keyOf(page, n));
            const last = found.at(-1);
            const joins = pages.length > FEW && last && last.key === key && !alone(n) && !alone(n - 1);
            if (joins) { last.to = n; } else { found.push({ from: n, to: n, page, key }); }
        });
        // Two are no run.
        const apart = found.flatMap((row) => (row.to - row.from === 1
            ? [{ ...row, to: row.from }, { ...row, from: row.to, page: pages[row.to] }] : [row]));
        const left = Math.max(0, apart.length - MOST_ROWS);
        return { rows: left > 0 ? apart.slice(0, MOST_ROWS) : apart, left };
    };
    const numbered = ({ from, to }) => (from === to ? say(WORDS.page, from) : say(WORDS.pages, from, to));

    // ---- The picture ----

    // What is drawn: shapes, above them the arrows, and above those the signs. `kinds` are the classes that a legend explains.
    const sheet = (width, tip) => {
        const margin = 20, wide = Math.max(280, Math.min(width, 640));
        const column = Math.round(Math.min(240, (wide - margin) * 0.42));
        const shapes = [], arrows = [], signs = [], kinds = new Set();
        const words = (x, y, text, kind = "", anchor = "") =>
            `<text${kind && ` class="${kind}"`} x="${x}" y="${y}"${anchor && ` text-anchor="${anchor}"`}>${escaped(text)}</text>`;
        const arrow = (kind, path, hasTip = true) => {
            arrows.push(`<path class="${kind}" d="${path}"${hasTip ? ` marker-end="url(#${tip})"` : ""}/>`);
            kinds.add(kind);
        };
        return {
            wide, margin, column, right: wide - margin - column, kinds,
            text: (...of) => shapes.push(words(...of)),
            sign: (...of) => signs.push(words(...of)),
            shape: (html) => shapes.push(html),
            // For a shape whose size is not known yet.
            place: () => { const at = shapes.push("") - 1; return (html) => { shapes[at] = html; }; },
            box: (kind, x, y, w, h) => {
                shapes.push(`<rect class="${kind}" x="${x}" y="${y}" width="${w}" height="${h}"/>`);
                kind.split(" ").forEach((one) => kinds.add(one));
            },
            arrow,
            // From a page of a mapping, or a descriptor, to what it leads to; or the other way.
            link: (from, to, kind = "map") => {
                const middle = (from.x + to.x) / 2;
                arrow(kind, `M${from.x} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${to.x - 3} ${to.y}`);
            },
            back: (from, to) => {
                const middle = (from.x + to.x) / 2;
                arrow("copy", `M${to.x} ${to.y}C${middle} ${to.y} ${middle} ${from.y} ${from.x + 3} ${from.y}`);
            },
            html: () => `<defs><marker id="${tip}" class="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" `
                + `markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>${[...shapes, ...arrows, ...signs].join("")}`,
        };
    };

    // Where an arrow from a page of a mapping leads to, as a key of `places`; or what there is in its place.
    const target = (page, files) => {
        if (!page) { return page; }
        if (page.backing.copy) { return `copy ${page.backing.copy}`; }
        return page.backing === "file" ? `file ${files[page.file.index].number} page ${page.file.page}` : page.backing;
    };
    const mappingOf = (state, process, name) => state.processes.find((other) => other.process === process)?.mappings.find((other) => other.name === name);

    // What is new is bold, and has a sign, as a page has.
    const marked = (isNew, text) => (isNew ? `＋ ${text}` : text);

    // The files with their pages; returns the height. `places` learns where the pages are.
    const drawFiles = (scene, on, touched, places) => {
        const { state, before, events = [] } = scene, { right, column } = on;
        let y = SMALL + 6;
        on.text(right, 11, WORDS.cache, "small");
        const lost = before.files.filter((file) => events.some((event) => event.kind === "file_gone" && event.file === file.number));
        for (const file of [...state.files, ...lost]) {
            const isLost = lost.includes(file);
            const old = scene.number > 0 && before.files.find(({ number }) => number === file.number);
            const isBorn = scene.number > 0 && !isLost && !old, isResized = old && !isLost && old.size !== file.size;
            const title = marked(isBorn, titleOf(scene, file)), size = isLost ? WORDS.gone : sizeOf(file) + (isResized ? " ✱" : "");
            const strong = isBorn || isResized ? "strong" : "";
            y += 12;
            if (widthOf(`${title}, ${size}`, 12.5) <= column) {
                on.shape(`<text x="${right}" y="${y}"><tspan class="strong">${escaped(title)}</tspan>, <tspan class="${strong}">${escaped(size)}</tspan></text>`);
            } else {
                on.text(right, y, fit(title, column, 12), "strong");
                y += SMALL;
                on.text(right, y, size, `small ${strong}`);
            }
            if (file.seals.length > 0) {
                y += SMALL;
                on.text(right, y, fit(say(WORDS.sealed, file.seals.join(", ")), column, 11), "small");
            }
            y += 6;
            const end = file.size % scene.page, last = file.pages.length - 1;
            const isNew = (n) => scene.number > 0 && !isLost && (!old || n >= old.pages.length);
            const changes = (n) => old && n < old.pages.length && !same(old.pages[n], file.pages[n]);
            const isAccessed = (n) => touched?.file !== undefined && state.files[touched.file] === file && n === touched.page;
            const { rows: shown, left } = rows(file.pages, (page, n) => [page, n === last && end > 0, changes(n), isNew(n)], isAccessed);
            for (const row of shown) {
                card(on, y, isLost ? "gone" : "page", numbered(row), isNew(row.from) ? "＋" : changes(row.from) ? "✱" : "");
                if (isLost) {
                    on.text(right + 6, y + 30, WORDS.gone, "small");
                } else if (row.from === last && end > 0) {
                    // The file ends within this page; the rest of it is there, too.
                    const [own, rest] = split(row.page ?? [[0, scene.page]], end);
                    const room = Math.round(column * 0.58);
                    on.shape(`<path class="ends" d="M${right + room} ${y}V${y + CARD}"/>`);
                    on.text(right + 6, y + 30, fit(bytes(own), room - 10, 11.5, true), "code");
                    on.text(right + room + 5, y + 14, WORDS.rest, "small");
                    on.text(right + room + 5, y + 30, fit(bytes(rest), column - room - 8, 11.5, true), "code");
                } else if (row.page) {
                    on.text(right + 6, y + 30, fit(bytes(row.page), column - 12, 11.5, true), "code");
                } else {
                    on.text(right + 6, y + 30, WORDS.zeros, "small");
                }
                for (let n = row.from; n <= row.to; n += 1) { places.set(`file ${file.number} page ${n}`, { x: right, y: y + CARD / 2 }); }
                y += CARD + 4;
            }
            y = more(on, right, y, left);
            const cut = events.find((event) => event.kind === "pages_cut_off" && event.file === file.number);
            if (cut) {
                on.box("gone", right, y, column, ROW);
                on.text(right + 6, y + 16, `${numbered({ from: cut.first, to: cut.first + cut.count - 1 })}: ${WORDS.gone}`, "small");
                y += ROW + 4;
            }
            y += GAP;
        }
        return y;
    };

    // A page of a file, or a copy, with a sign if it is new or changed.
    const card = (on, y, kind, title, sign) => {
        on.box(kind + (sign && " changed"), on.right, y, on.column, CARD);
        on.text(on.right + 6, y + 14, title, "small");
        if (sign) { on.sign(on.right + on.column - 6, y + 14, sign, "small strong", "end"); }
    };
    const more = (on, x, y, left) => {
        if (left === 0) { return y; }
        on.text(x + 6, y + 11, say(WORDS.more, left), "note");
        return y + SMALL + 4;
    };

    // The private copies in a state, by their numbers.
    const copiesOf = (state) => {
        const found = new Map();
        for (const { process, mappings } of state.processes) {
            for (const { name, pages } of mappings) {
                pages.forEach((page, n) => {
                    const number = page?.backing.copy;
                    if (number && !found.has(number)) { found.set(number, { number, bytes: page.backing.bytes, process, name, n }); }
                });
            }
        }
        return found;
    };

    // Each copy once, in the order of birth, with those that the line drops; returns the height.
    const drawCopies = (scene, on, places, top) => {
        const { state, before } = scene, { right, column, margin } = on;
        const has = copiesOf(state), had = copiesOf(before);
        const dropped = [...had.values()].filter(({ number }) => !has.has(number)).map((copy) => ({ ...copy, gone: true }));
        const all = [...has.values(), ...dropped].sort((a, b) => a.number - b.number);
        if (all.length === 0) { return top; }
        on.text(right, top + 8, fit(WORDS.copies, column + margin - 2, 11), "small");
        let y = top + 16;
        const sign = (copy) => (copy.gone ? "" : !had.has(copy.number) ? "＋" : same(had.get(copy.number).bytes, copy.bytes) ? "" : "✱");
        const { rows: shown, left } = rows(all, (copy) => [copy.bytes, copy.gone, sign(copy)], () => false);
        for (const { from, to, page: copy } of shown) {
            const title = from === to ? say(WORDS.copy, copy.number) : say(WORDS.copies_of, copy.number, all[to].number);
            card(on, y, copy.gone ? "gone" : "own", title, sign(copy));
            on.text(right + 6, y + 30, copy.gone ? WORDS.gone : fit(bytes(copy.bytes), column - 12, 11.5, true), copy.gone ? "small" : "code");
            for (let n = from; n <= to; n += 1) { places.set(`copy ${all[n].number}`, { x: right, y: y + CARD / 2 }); }
            // Where its bytes come from: the file's page, or another copy.
            const source = !had.has(copy.number) && places.get(target(mappingOf(before, copy.process, copy.name)?.pages[copy.n], before.files));
            if (source) {
                const edge = right + column, out = edge + margin - 2, into = y + CARD / 2;
                on.arrow("copy", `M${edge} ${source.y}C${out} ${source.y} ${out} ${into} ${edge + 3} ${into}`);
            }
            y += CARD + 4;
        }
        return more(on, right, y, left) + 4;
    };

    // ---- The disk ----

    // The names that a file may have on the disk: `f`, or `f?` where it may not be so.
    const namesOnDisk = ({ disk }, number) => disk.names.filter(({ files }) => files.includes(number)).map(({ name, files }) => (files.length > 1 ? `${name}?` : name));
    const isOpen = (runs) => runs !== null && runs.some(([byte]) => typeof byte !== "number");
    const zerosOr = (runs, page) => runs ?? [[0, page]];

    // What the disk may have of each file; returns the height.
    const drawDisk = (scene, on, top) => {
        const { state, before } = scene, { right, column } = on;
        if (!scene.hasDisk || state.disk.files.length === 0) { return top; }
        on.shape(`<path class="ends" d="M${right} ${top + 2}H${right + column}"/>`);
        on.text(right, top + 18, WORDS.disk, "small");
        let y = top + 22;
        for (const file of state.disk.files) {
            const names = namesOnDisk(state, file.number), old = before.disk.files.find(({ number }) => number === file.number);
            const title = names.length > 0 ? say(WORDS.file, names.join(WORDS.and)) : say(WORDS.nameless, `#${file.number}`);
            y += SMALL;
            on.text(right, y, fit(title, column, 12), "strong");
            y += SMALL;
            const sizes = file.sizes.length > 3 ? `${file.sizes[0]}–${file.sizes.at(-1)}` : file.sizes.join(WORDS.or);
            on.text(right, y, fit(say(WORDS.size, sizes), column, 11), file.sizes.length > 1 ? "small strong" : "small");
            y += 6;
            const cached = state.files.find(({ number }) => number === file.number);
            const isSame = (n) => cached && n < cached.pages.length && same(zerosOr(cached.pages[n], scene.page), zerosOr(file.pages[n], scene.page));
            const changes = (n) => scene.number > 0 && (!old || n >= old.pages.length || !same(old.pages[n], file.pages[n]));
            const { rows: shown, left } = rows(file.pages, (page, n) => [page, isSame(n), changes(n)], () => false);
            for (const row of shown) {
                card(on, y, isOpen(row.page) ? "disk maybe" : "disk", numbered(row), changes(row.from) ? "✱" : "");
                const says = row.page ? bytes(row.page) : WORDS.zeros;
                on.text(right + 6, y + 30, fit(says, column - 12, 11.5, row.page !== null), row.page ? "code" : "small");
                y += CARD + 4;
            }
            y = more(on, right, y, left) + GAP / 2;
        }
        return y;
    };

    // What a line has changed on the disk, in sentences.
    const diskChanges = (scene) => {
        const { state, before } = scene, said = [];
        if (!scene.hasDisk) { return said; }
        const isCertain = (list) => list?.length === 1;
        const had = (name) => before.disk.names.find((other) => other.name === name)?.files;
        for (const { name, files } of scene.isCut ? [] : state.disk.names) {
            if (same(had(name), files)) { continue; }
            if (isCertain(files)) { said.push(say(WORDS.name_kept, name)); } else { said.push(say(WORDS.name_open, name)); }
        }
        const left = before.disk.names.filter(({ name }) => !scene.isCut && !state.disk.names.some((other) => other.name === name));
        for (const { name } of left) { said.push(say(WORDS.name_gone, name)); }
        for (const file of scene.isCut ? [] : state.disk.files) {
            const old = before.disk.files.find(({ number }) => number === file.number), pages = [...file.pages.keys()];
            const title = titleOf(scene, state.files.find(({ number }) => number === file.number) ?? { names: [], number: file.number });
            if (old && !same(old.sizes, file.sizes)) { said.push(say(isCertain(file.sizes) ? WORDS.size_kept : WORDS.size_open, title)); }
            const changed = pages.filter((n) => !same(old?.pages[n] ?? null, file.pages[n]));
            for (const n of changed.slice(0, 3)) { said.push(say(isOpen(file.pages[n]) ? WORDS.page_open : WORDS.page_kept, title, n)); }
        }
        return said;
    };

    // The processes with their mappings; returns the height.
    const drawProcesses = (scene, on, touched, places) => {
        const { state, line } = scene, { column } = on;
        let y = SMALL + 6;
        on.text(0, 11, WORDS.processes, "small");
        const order = (a, b) => scene.order.indexOf(a) - scene.order.indexOf(b);
        const letters = [...new Set([...state.processes.map(({ process }) => process), ...scene.graves.keys()])].sort(order);
        for (const letter of letters) {
            const alive = state.processes.find(({ process }) => process === letter);
            const grave = scene.graves.get(letter);
            // In the line that ends it, a process is drawn as it was.
            const dies = !alive && grave.line === line.number;
            const process = alive ?? (dies ? grave.was : { descriptors: [], mappings: [] });
            const old = scene.before.processes.find((other) => other.process === letter);
            const at = touched?.process === letter ? touched : null;
            const of = { scene, on, letter, alive, old, at, files: (alive ? state : scene.before).files, places };
            const top = y, frame = on.place();
            y += 17;
            on.text(EDGE, y, say(WORDS.process, letter), alive ? "strong" : "strong faded");
            if (line?.process === letter) {
                const tag = `◂ ${say(WORDS.acts, line.number)}`;
                const fits = widthOf(say(WORDS.process, letter), 13) + widthOf(tag, 12) < column - 2 * EDGE;
                on.text(column - EDGE, y, fits ? tag : `◂ ${line.number}`, "small strong", "end");
            }
            if (!alive) {
                y += SMALL;
                const how = { exit: WORDS.exited, "power cut": WORDS.cut_short }[grave.how] ?? grave.how.split("/")[0];
                on.text(EDGE, y, fit(`† ${say(WORDS.died, how, grave.line)}`, column - 2 * EDGE, 11), dies ? "small strong" : "small faded");
            }
            for (const descriptor of process.descriptors) { y = drawDescriptor(of, descriptor, y); }
            const ghosts = alive ? scene.ghosts.filter((ghost) => ghost.process === letter) : [];
            for (const mapping of [...process.mappings, ...ghosts].sort((a, b) => order(a.name, b.name))) {
                y = mapping.pages ? drawMapping(of, mapping, y) : drawGhost(of, mapping, y);
            }
            y += alive || dies ? 8 : 6;
            const isNew = scene.number > 0 && alive && !old;
            if (isNew) { on.sign(column - EDGE, top + 17, "＋", "small strong", "end"); }
            frame(`<rect class="process${alive ? "" : " dead"}${isNew ? " changed" : ""}" x="0.5" y="${top}" width="${column - 1}" height="${y - top}"/>`);
            y += GAP;
        }
        return y;
    };

    const drawDescriptor = ({ scene, on, alive, old, at, files, places }, { name, file, access }, top) => {
        const y = top + SMALL;
        const isNew = scene.number > 0 && alive && !old?.descriptors.some((other) => other.name === name);
        const leads = files[file] ? fileName(scene, files[file]) : "";
        on.text(EDGE, y, fit(marked(isNew, `${name} → ${leads} (${access})`), on.column - 2 * EDGE, isNew ? 12 : 11), isNew ? "small strong" : "small");
        const to = alive && at?.descriptor === name && places.get(`file ${files[file].number} page ${at.page}`);
        const from = { x: on.column - 4, y: y - 4 };
        if (to && at.kind === "write") { on.link(from, to, "copy"); } else if (to) { on.back(from, to); }
        return y;
    };

    // A mapping that is unmapped: its name may still be used.
    const drawGhost = ({ on, at }, { name }, top) => {
        const y = top + SMALL + 3, isAccessed = at?.mapping === name;
        on.text(EDGE, y, fit(say(WORDS.unmapped, name), on.column - 2 * EDGE, 11), isAccessed ? "small strong" : "small");
        on.box(`gone${isAccessed ? " bad" : ""}`, EDGE, y + 5, on.column - 2 * EDGE, ROW - 6);
        on.text(on.column - EDGE - 6, y + 18, "SIGSEGV", "small", "end");
        return y + ROW + 2;
    };

    const drawMapping = ({ scene, on, alive, old, at, files, places }, { name, pages }, top) => {
        const cell = on.column - 2 * EDGE;
        let y = top + SMALL + 3;
        const was = old?.mappings.find((other) => other.name === name);
        const first = pages.find((page) => page !== null);
        const file = first?.file && files[first.file.index];
        const what = !file ? WORDS.anonymous : file.anonymous ? `${WORDS.anonymous} ${fileName(scene, file)}` : fileName(scene, file);
        const isNew = scene.number > 0 && alive && !was;
        // Of pages that are all unmapped nobody can say what they showed.
        const title = marked(isNew, say(!first ? WORDS.unmapped : first.shared ? WORDS.shared : WORDS.private, name, what));
        on.text(EDGE, y, fit(title, cell, isNew ? 12 : 11), isNew ? "small strong" : "small");
        y += 6;
        const here = at?.mapping === name ? at : null;
        const isAccessed = (n) => here && here.count <= 3 && n >= here.page && n < here.page + here.count;
        const looks = (page, of) => [page?.protection, target(page, of)];
        const changes = (n) => alive && was && !same(looks(pages[n], files), looks(was.pages[n], scene.before.files));
        // Pages of a file are alike if they are next to each other there, and the file's pages are alike.
        const keyOf = (page, n) => page && [
            page.protection, page.shared, page.locked, page.left_at_fork, page.wiped_at_fork, changes(n),
            page.backing.copy ? page.backing.bytes : page.backing,
            page.backing === "file" && [page.file.index, page.file.page - n, files[page.file.index].pages[page.file.page]],
        ];
        const { rows: shown, left } = rows(pages, keyOf, isAccessed);
        for (const row of shown) {
            const page = row.page;
            const fault = here?.fault && here.fault.page >= row.from && here.fault.page <= row.to ? here.fault : null;
            const kind = page === null || page.backing === "guard" ? "gone" : page.backing === "past_the_end" ? "hole" : page.shared ? "shared" : "private";
            on.box(`${kind}${changes(row.from) ? " changed" : ""}${fault ? " bad" : ""}${alive ? "" : " faded"}`, EDGE, y, cell, ROW);
            // What an access gives is more than what is allowed.
            const facts = page === null ? [] : [page.protection, ...["locked", "left_at_fork", "wiped_at_fork"].filter((fact) => page[fact]).map((fact) => WORDS[fact])];
            const gives = { gone: "SIGSEGV", hole: "SIGBUS" }[kind] ?? (page.backing === "zeros" ? WORDS.zeros : "");
            const says = fault ? (fault.code === "SEGV_ACCERR" ? WORDS.forbidden : fault.signal) : gives;
            const short = row.from === row.to ? String(row.from) : `${row.from}–${row.to}`;
            const title = widthOf(numbered(row) + says, 11.5) < cell - 16 ? numbered(row) : short;
            const room = cell - 16 - widthOf(title, 11);
            const all = [says, facts.join(" ")].filter(Boolean).join(" · ");
            on.text(EDGE + 6, y + 16, title, "small");
            on.text(on.column - EDGE - 6, y + 16, says === "" || widthOf(all, 11.5) < room ? fit(all, room, 11) : says, fault ? "small strong" : "small", "end");
            const from = { x: on.column - EDGE, y: y + ROW / 2 };
            const to = alive && places.get(target(page, files));
            if (fault) {
                // It ends before the cards: one that happens to be beside it has nothing to do with the fault.
                on.arrow("fault", `M${from.x + 2} ${from.y}H${on.column + 12}`, false);
                on.sign(on.column + 18, from.y + 4, "✗", "strong", "middle");
            } else if (to && isAccessed(row.from) && here.kind !== "store") {
                on.back(from, to);
            } else if (to) {
                on.link(from, to, isAccessed(row.from) ? "copy" : "map");
            }
            y += ROW + 2;
        }
        return more(on, EDGE, y, left);
    };

    // `width` in CSS pixels: the text has the same size in each picture. `tip` is the id of the arrows' tip.
    const draw = (scene, width, tip) => {
        const on = sheet(width, tip), touched = access(scene);
        // Where things are that an arrow may lead to: "file 1 page 0", "copy 2".
        const places = new Map();
        const files = drawFiles(scene, on, touched, places);
        const copies = drawCopies(scene, on, places, files);
        const disk = drawDisk(scene, on, copies);
        const height = Math.max(disk, drawProcesses(scene, on, touched, places));
        return { width: on.wide, height: Math.ceil(height), drawing: on.html(), kinds: on.kinds };
    };

    // What a line has changed, in sentences.
    const changes = (scene) => {
        const { state, before, events = [] } = scene;
        const said = [];
        // The last name of a file, whether it still has it or not.
        const lastName = ({ names, number, anonymous }) => say(anonymous ? WORDS.memory : WORDS.file, names[0] ?? scene.names.get(number) ?? `#${number}`);
        const of = (number) => [...state.files, ...before.files].find((file) => file.number === number);
        const made = events.filter(({ kind }) => kind === "copy_made"), dropped = events.filter(({ kind }) => kind === "copy_dropped" && !scene.isCut);
        const at = (a) => (b) => a.process === b.process && a.mapping === b.mapping && a.page === b.page;
        if (scene.isCut) {
            said.push(WORDS.cut_ends);
            if (state.disk.disks > 1) { said.push(say(WORDS.disks, state.disk.disks)); }
        }
        for (const file of state.files) {
            const old = before.files.find(({ number }) => number === file.number);
            if (!old) { said.push(say(WORDS.created, lastName(file))); continue; }
            if (!same(old.names, file.names)) {
                const was = lastName(old);
                said.push(file.names.length > 0 ? say(WORDS.renamed, was, file.names[0]) : say(WORDS.unnamed, was));
            }
            if (!same(old.seals, file.seals)) { said.push(say(WORDS.seals, titleOf(scene, file), file.seals.join(", "))); }
            if (old.size !== file.size) { said.push(say(WORDS.resized, titleOf(scene, file), sizeOf(file))); }
            const other = file.pages.map((page, n) => n).filter((n) => n < old.pages.length && !same(old.pages[n], file.pages[n]));
            for (const n of other.slice(0, 3)) { said.push(say(WORDS.written, titleOf(scene, file), n)); }
        }
        said.push(...diskChanges(scene));
        // After a power cut none of the processes is what it was.
        for (const { process, descriptors, mappings } of scene.isCut ? [] : state.processes) {
            const old = before.processes.find((other) => other.process === process);
            if (!old) { said.push(say(WORDS.forked, process)); continue; }
            for (const { name } of descriptors) { if (!old.descriptors.some((other) => other.name === name)) { said.push(say(WORDS.opened, process, name)); } }
            for (const { name } of old.descriptors) { if (!descriptors.some((other) => other.name === name)) { said.push(say(WORDS.closed, process, name)); } }
            for (const { name, pages } of mappings) {
                const was = old.mappings.find((other) => other.name === name);
                if (!was) { said.push(say(WORDS.mapped, process, name)); }
                if (was && was.pages.length !== pages.length) { said.push(say(WORDS.lengthens, name, process, pages.length)); }
                if (was?.pages.some((page, n) => page !== null && pages[n] === null)) { said.push(say(WORDS.unmaps, name, process)); }
                if (was?.pages.some((page, n) => page && pages[n] && page.protection !== pages[n].protection)) { said.push(say(WORDS.protects, name, process)); }
            }
            // What was marked for fork(2), and what is locked.
            for (const { name, pages } of mappings) {
                const was = old.mappings.find((other) => other.name === name);
                for (const mark of ["locked", "left_at_fork", "wiped_at_fork"]) {
                    const turns = (to) => was?.pages.some((page, n) => page && pages[n] && page[mark] !== to && pages[n][mark] === to);
                    if (turns(true)) { said.push(say(WORDS.marked, name, process, WORDS[mark])); }
                    if (turns(false)) { said.push(say(WORDS.unmarked, name, process, WORDS[mark])); }
                }
            }
            for (const { name } of old.mappings) { if (!mappings.some((other) => other.name === name)) { said.push(say(WORDS.unmaps, name, process)); } }
        }
        const had = copiesOf(before), other = [...copiesOf(state).values()].filter(({ number, bytes }) => had.has(number) && !same(had.get(number).bytes, bytes));
        for (const { number } of other.slice(0, 3)) { said.push(say(WORDS.rewritten, number)); }
        for (const event of made.slice(0, 3)) {
            const was = dropped.find(at(event));
            said.push(was ? say(WORDS.replaced, event.page, event.mapping, event.process, event.copy, was.copy) : say(WORDS.made, event.page, event.mapping, event.process, event.copy));
        }
        for (const event of dropped.filter((event) => !made.some(at(event))).slice(0, 3)) { said.push(say(WORDS.dropped, event.copy, event.page, event.mapping, event.process)); }
        for (const event of events) {
            if (event.kind === "pages_cut_off") {
                const name = titleOf(scene, of(event.file)), index = before.files.findIndex(({ number }) => number === event.file);
                const isMapped = before.processes.some(({ mappings }) => mappings.some(({ pages }) => pages.some((page) => page?.file?.index === index && page.file.page >= event.first)));
                said.push((event.count === 1 ? say(WORDS.cut, name, event.first) : say(WORDS.cuts, name, event.count)) + (isMapped ? WORDS.cut_mapped : WORDS.ends));
            }
            if (event.kind === "file_gone") { said.push(say(WORDS.file_gone, lastName(of(event.file)))); }
            if (event.kind === "process_gone" && !scene.isCut) { said.push(say(WORDS.process_gone, event.process, event.how)); }
        }
        return said;
    };

    return { scenes, draw, changes };
})();
