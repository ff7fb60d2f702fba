// A state as a picture: at the left the processes with their mappings, page by page; at the right the pages of the files in
// the page cache, and the private copies. An arrow leads from each page of a mapping to what it shows. The colours and the
// outlines are those of the book's figures.

const picture = (() => {
    const START = { files: [], processes: [{ process: "A", descriptors: [], mappings: [] }] };
    const ROW = 24, CARD = 38, SMALL = 15, GAP = 8;
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
            const ghosts = [...scene.ghosts, ...lost].filter(({ process, name }) => !has(process, name) && !graves.has(process));
            scene = { number: index + 1, line, state, before, graves, ghosts, names, order, events, page };
            all.push(scene);
        });
        return all;
    };

    const fileName = (scene, file) => {
        if (file.names.length > 0) { return file.names[0]; }
        const was = scene.names.get(file.number);
        return was ? say(WORDS.unlinked, was) : `#${file.number}`;
    };
    const titleOf = (scene, file) => (file.names.length > 0 ? say(WORDS.file, file.names[0])
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

    // `width` in CSS pixels: the text has the same size in each picture. `tip` is the id of the arrows' tip.
    const draw = (scene, width, tip) => {
        const { state, before, line, events = [] } = scene;
        const wide = Math.max(280, Math.min(width, 640));
        const margin = 20, column = Math.round(Math.min(240, (wide - margin) * 0.42)), right = wide - margin - column;
        const shapes = [], arrows = [], over = [], kinds = new Set();
        const text = (x, y, words, kind = "", anchor = "") => shapes.push(`<text${kind && ` class="${kind}"`} x="${x}" y="${y}"${anchor && ` text-anchor="${anchor}"`}>${escaped(words)}</text>`);
        const box = (kind, x, y, w, h) => { shapes.push(`<rect class="${kind}" x="${x}" y="${y}" width="${w}" height="${h}"/>`); kinds.add(kind.split(" ")[0]); if (kind.includes("changed")) { kinds.add("changed"); } };
        const touched = access(scene);

        // Where things are that an arrow may lead to: "file 1 page 0", "copy 2".
        const places = new Map();
        let bottom = SMALL;

        // -- at the right: the files, then the copies
        let y = SMALL + 6;
        text(right, 11, WORDS.cache, "small");
        const cut = new Map(events.filter(({ kind }) => kind === "pages_cut_off").map((event) => [event.file, event]));
        const lost = before.files.filter((file) => events.some((event) => event.kind === "file_gone" && event.file === file.number));
        for (const file of [...state.files, ...lost]) {
            const isLost = lost.includes(file);
            const old = before.files.find(({ number }) => number === file.number);
            const title = titleOf(scene, file), size = isLost ? WORDS.gone : sizeOf(file);
            const resized = scene.number > 0 && !isLost && old?.size !== file.size;
            const both = `${title}, ${size}`;
            y += 12;
            if (widthOf(both, 12.5) <= column) {
                shapes.push(`<text x="${right}" y="${y}"><tspan class="strong">${escaped(title)}</tspan>, <tspan${resized ? ' class="strong"' : ""}>${escaped(size)}</tspan></text>`);
            } else {
                text(right, y, fit(title, column, 12), "strong");
                y += SMALL;
                text(right, y, size, resized ? "small strong" : "small");
            }
            if (file.seals.length > 0) { y += SMALL; text(right, y, fit(say(WORDS.sealed, file.seals.join(", ")), column, 11), "small"); }
            y += 6;
            const end = file.size % scene.page;
            const last = file.pages.length - 1;
            const isAccessed = (n) => touched && ((touched.file !== undefined && state.files[touched.file] === file && n === touched.page));
            const changes = (n) => scene.number > 0 && old && n < old.pages.length && !same(old.pages[n], file.pages[n]);
            const news = (n) => scene.number > 0 && (!old || n >= old.pages.length);
            const shown = rows(file.pages, (page, n) => [page, n === last && end > 0, changes(n), news(n)], isAccessed);
            for (const row of shown.rows) {
                const fresh = !isLost && (changes(row.from) || news(row.from));
                box(`${isLost ? "gone" : "page"}${fresh ? " changed" : ""}`, right, y, column, CARD);
                text(right + 6, y + 14, numbered(row), "small");
                if (fresh) { over.push(`<text class="small strong" x="${right + column - 6}" y="${y + 14}" text-anchor="end">${news(row.from) ? "＋" : "✱"}</text>`); }
                const content = row.page;
                if (isLost) {
                    text(right + 6, y + 30, WORDS.gone, "small");
                } else if (row.to === last && end > 0 && row.from === row.to) {
                    // The file ends within this page; the rest of it is there, too.
                    const [own, rest] = split(content ?? [[0, scene.page]], end);
                    const room = Math.round(column * 0.58);
                    shapes.push(`<path class="ends" d="M${right + room} ${y}V${y + CARD}"/>`);
                    text(right + 6, y + 30, fit(bytes(own), room - 10, 11.5, true), "code");
                    text(right + room + 5, y + 14, WORDS.rest, "small", "");
                    text(right + room + 5, y + 30, fit(bytes(rest), column - room - 8, 11.5, true), "code");
                } else {
                    text(right + 6, y + 30, content ? fit(bytes(content), column - 12, 11.5, true) : WORDS.zeros, content ? "code" : "small");
                }
                for (let n = row.from; n <= row.to; n += 1) { places.set(`file ${file.number} page ${n}`, { x: right, y: y + CARD / 2, top: y, bottom: y + CARD }); }
                y += CARD + 4;
            }
            if (shown.left > 0) { text(right + 6, y + 11, say(WORDS.more, shown.left), "note"); y += SMALL + 4; }
            const gone = cut.get(file.number);
            if (gone && !isLost) {
                const row = { from: gone.first, to: gone.first + gone.count - 1 };
                box("gone", right, y, column, ROW);
                text(right + 6, y + 16, `${numbered(row)}: ${WORDS.gone}`, "small");
                y += ROW + 4;
            }
            y += GAP;
        }
        bottom = Math.max(bottom, y);

        // Each copy once, in the order of birth; with those that the line drops.
        const copiesOf = (of) => {
            const found = new Map();
            for (const { process, mappings } of of.processes) {
                for (const { name, pages } of mappings) {
                    pages.forEach((page, n) => {
                        if (page?.backing?.copy && !found.has(page.backing.copy)) { found.set(page.backing.copy, { number: page.backing.copy, bytes: page.backing.bytes, process, name, n }); }
                    });
                }
            }
            return found;
        };
        const copies = copiesOf(state), had = copiesOf(before);
        const all = [...copies.values(), ...[...had.values()].filter(({ number }) => !copies.has(number)).map((copy) => ({ ...copy, gone: true }))]
            .sort((a, b) => a.number - b.number);
        if (all.length > 0) {
            text(right, y + 8, fit(WORDS.copies, column + margin - 2, 11), "small");
            y += 16;
            const isNew = ({ number }) => scene.number > 0 && !had.has(number);
            const changes = (copy) => had.has(copy.number) && !same(had.get(copy.number).bytes, copy.bytes);
            const { rows: shown, left } = rows(all, (copy) => [copy.bytes, copy.gone, isNew(copy), changes(copy)], () => false);
            for (const row of shown) {
                const copy = row.page, fresh = !copy.gone && (isNew(copy) || changes(copy));
                box(`${copy.gone ? "gone" : "own"}${fresh ? " changed" : ""}`, right, y, column, CARD);
                const to = all[row.to].number;
                text(right + 6, y + 14, row.from === row.to ? say(WORDS.copy, copy.number) : say(WORDS.copies_of, copy.number, to), "small");
                text(right + 6, y + 30, copy.gone ? WORDS.gone : fit(bytes(copy.bytes), column - 12, 11.5, true), copy.gone ? "small" : "code");
                if (fresh) { over.push(`<text class="small strong" x="${right + column - 6}" y="${y + 14}" text-anchor="end">${isNew(copy) ? "＋" : "✱"}</text>`); }
                for (let n = row.from; n <= row.to; n += 1) { places.set(`copy ${all[n].number}`, { x: right, y: y + CARD / 2, top: y }); }
                // Where its bytes come from: the file's page, or another copy.
                if (isNew(copy)) {
                    const old = before.processes.find(({ process }) => process === copy.process)?.mappings.find(({ name }) => name === copy.name)?.pages[copy.n];
                    const source = !old ? null : old.backing?.copy ? `copy ${old.backing.copy}` : old.backing === "file" ? `file ${before.files[old.file.index].number} page ${old.file.page}` : null;
                    const from = places.get(source);
                    if (from && from.top !== y) {
                        const edge = right + column, out = edge + margin - 6;
                        arrows.push(`<path class="copy" d="M${edge} ${from.y}C${out + 4} ${from.y} ${out + 4} ${y + CARD / 2} ${edge + 3} ${y + CARD / 2}" marker-end="url(#${tip})"/>`);
                        kinds.add("copy");
                    }
                }
                y += CARD + 4;
            }
            if (left > 0) { text(right + 6, y + 11, say(WORDS.more, left), "note"); y += SMALL + 4; }
            bottom = Math.max(bottom, y + 4);
        }

        // -- at the left: the processes
        y = SMALL + 6;
        text(0, 11, WORDS.processes, "small");
        const inner = 8, cell = column - 2 * inner;
        const link = (from, to, kind = "map") => {
            const middle = (from.x + to.x) / 2;
            arrows.push(`<path class="${kind}" d="M${from.x} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${to.x - 3} ${to.y}" marker-end="url(#${tip})"/>`);
            kinds.add(kind);
        };
        const back = (from, to) => {
            const middle = (from.x + to.x) / 2;
            arrows.push(`<path class="copy" d="M${to.x} ${to.y}C${middle} ${to.y} ${middle} ${from.y} ${from.x + 3} ${from.y}" marker-end="url(#${tip})"/>`);
            kinds.add("copy");
        };
        const order = (a, b) => scene.order.indexOf(a) - scene.order.indexOf(b);
        const letters = [...new Set([...state.processes.map(({ process }) => process), ...scene.graves.keys()])].sort(order);
        for (const letter of letters) {
            const alive = state.processes.find(({ process }) => process === letter);
            const grave = scene.graves.get(letter);
            // In the line that ends it, a process is drawn as it was.
            const dies = !alive && grave.line === line.number;
            const process = alive ?? (dies ? grave.was : { descriptors: [], mappings: [] });
            const old = before.processes.find((other) => other.process === letter);
            const top = y, frame = shapes.length;
            shapes.push("");
            y += 17;
            text(inner, y, say(WORDS.process, letter), alive ? "strong" : "strong faded");
            if (line?.process === letter) {
                const tag = `◂ ${say(WORDS.acts, line.number)}`;
                const fits = widthOf(say(WORDS.process, letter), 13) + widthOf(tag, 12) < cell;
                text(column - inner, y, fits ? tag : `◂ ${line.number}`, "small strong", "end");
            }
            if (!alive) {
                y += SMALL;
                text(inner, y, fit("† " + (grave.how === "exit" ? say(WORDS.died, WORDS.exited, grave.line) : say(WORDS.died, grave.how.split("/")[0], grave.line)), cell, 11), dies ? "small strong" : "small faded");
            }
            for (const descriptor of process.descriptors) {
                y += SMALL;
                const file = (alive ? state : before).files[descriptor.file];
                const isNew = scene.number > 0 && alive && !old?.descriptors.some(({ name }) => name === descriptor.name);
                text(inner, y, fit(`${descriptor.name} → ${file ? fileName(scene, file) : ""} (${descriptor.access})`, cell, 11), isNew ? "small strong" : "small");
                if (touched?.descriptor === descriptor.name && touched.process === letter && alive) {
                    const to = places.get(`file ${file.number} page ${touched.page}`);
                    const from = { x: column - 4, y: y - 4 };
                    if (to) { (touched.kind === "write" ? link(from, to, "copy") : back(from, to)); }
                }
            }
            const ghosts = alive ? scene.ghosts.filter((ghost) => ghost.process === letter).map((ghost) => ({ ...ghost, ghost: true })) : [];
            const mappings = [...process.mappings, ...ghosts].sort((a, b) => order(a.name, b.name));
            for (const mapping of mappings) {
                y += SMALL + 3;
                const isAccessed = (n) => touched && touched.process === letter && touched.mapping === mapping.name && n >= touched.page && n < touched.page + touched.count && touched.count <= 3;
                if (mapping.ghost) {
                    const here = touched?.process === letter && touched.mapping === mapping.name;
                    text(inner, y, fit(say(WORDS.unmapped, mapping.name), cell, 11), here ? "small strong" : "small");
                    box(`gone${here ? " bad" : ""}`, inner, y + 5, cell, ROW - 6);
                    text(column - inner - 6, y + 18, "SIGSEGV", "small", "end");
                    y += ROW + 2;
                    continue;
                }
                const first = mapping.pages.find((page) => page !== null);
                const files = (alive ? state : before).files;
                const what = first?.file ? fileName(scene, files[first.file.index]) : WORDS.anonymous;
                const was = old?.mappings.find(({ name }) => name === mapping.name);
                text(inner, y, fit(say(first?.shared ? WORDS.shared : WORDS.private, mapping.name, what), cell, 11), scene.number > 0 && alive && !was ? "small strong" : "small");
                y += 6;
                const target = (page, of) => page && (page.backing?.copy ? `copy ${page.backing.copy}` : page.backing === "file" ? `file ${of.files[page.file.index].number} page ${page.file.page}` : page.backing);
                const changes = (n) => alive && was && !same([mapping.pages[n]?.protection, target(mapping.pages[n], state)], [was.pages[n]?.protection, target(was.pages[n], before)]);
                const keyOf = (page, n) => page && [page.protection, page.shared, page.locked, page.left_at_fork, page.wiped_at_fork, changes(n),
                    page.backing?.copy ? ["copy", page.backing.bytes] : page.backing, page.backing === "file" && [page.file.index, page.file.page - n, files[page.file.index].pages[page.file.page]]];
                const shown = rows(mapping.pages, keyOf, isAccessed);
                for (const row of shown.rows) {
                    const page = row.page;
                    const fault = touched?.fault && touched.process === letter && touched.mapping === mapping.name && touched.fault.page >= row.from && touched.fault.page <= row.to ? touched.fault : null;
                    const kind = page === null || page.backing === "guard" ? "gone" : page.backing === "past_the_end" ? "hole" : page.shared ? "shared" : "private";
                    box(`${kind}${changes(row.from) ? " changed" : ""}${fault ? " bad" : ""}${alive ? "" : " faded"}`, inner, y, cell, ROW);
                    const facts = page === null ? [] : [page.protection, ...["locked", "left_at_fork", "wiped_at_fork"].filter((fact) => page[fact]).map((fact) => WORDS[fact])];
                    const [says, strong] = fault ? [fault.code === "SEGV_ACCERR" ? WORDS.forbidden : fault.signal, true]
                        : page === null ? ["SIGSEGV", false] : page.backing === "guard" ? ["SIGSEGV", false] : page.backing === "past_the_end" ? ["SIGBUS", false]
                            : page.backing === "zeros" ? [WORDS.zeros, false] : ["", false];
                    const name = widthOf(numbered(row) + says, 11.5) < cell - 16 ? numbered(row) : row.from === row.to ? String(row.from) : `${row.from}–${row.to}`;
                    text(inner + 6, y + 16, name, "small");
                    const room = cell - 12 - widthOf(name, 11) - 4;
                    // What an access gives is more than what is allowed.
                    const all = [says, facts.join(" ")].filter(Boolean).join(" · ");
                    text(column - inner - 6, y + 16, says === "" || widthOf(all, 11.5) < room ? fit(all, room, 11) : says, strong ? "small strong" : "small", "end");
                    const from = { x: column - inner, y: y + ROW / 2 };
                    const to = alive ? places.get(target(page, state)) : null;
                    const moves = isAccessed(row.from) && !fault;
                    if (to && moves) { if (touched.kind === "store") { link(from, to, "copy"); } else { back(from, to); } } else if (to) { link(from, to); }
                    if (fault) {
                        arrows.push(`<path class="fault" d="M${from.x + 2} ${from.y}H${right - 16}"/>`);
                        over.push(`<text class="strong" x="${right - 10}" y="${from.y + 4}" text-anchor="middle">✗</text>`);
                    }
                    y += ROW + 2;
                }
                if (shown.left > 0) { text(inner + 6, y + 11, say(WORDS.more, shown.left), "note"); y += SMALL + 2; }
            }
            y += alive || dies ? 8 : 6;
            const isNew = scene.number > 0 && alive && !old;
            shapes[frame] = `<rect class="process${alive ? "" : " dead"}${isNew ? " changed" : ""}" x="0.5" y="${top}" width="${column - 1}" height="${y - top}"/>`;
            y += GAP;
        }
        bottom = Math.max(bottom, y);

        const drawing = `<defs><marker id="${tip}" class="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>`;
        return { width: wide, height: Math.ceil(bottom), drawing: drawing + shapes.join("") + arrows.join("") + over.join(""), kinds };
    };

    // What a line has changed, in sentences.
    const changes = (scene) => {
        const { state, before, events = [] } = scene;
        const said = [];
        const of = (number) => [...state.files, ...before.files].find((file) => file.number === number);
        const made = events.filter(({ kind }) => kind === "copy_made"), dropped = events.filter(({ kind }) => kind === "copy_dropped");
        const at = (a) => (b) => a.process === b.process && a.mapping === b.mapping && a.page === b.page;
        for (const file of state.files) {
            const old = before.files.find(({ number }) => number === file.number);
            if (!old) { said.push(say(WORDS.created, titleOf(scene, file))); continue; }
            if (old.size !== file.size) { said.push(say(WORDS.resized, titleOf(scene, file), sizeOf(file))); }
            const other = file.pages.map((page, n) => n).filter((n) => n < old.pages.length && !same(old.pages[n], file.pages[n]));
            for (const n of other.slice(0, 3)) { said.push(say(WORDS.written, titleOf(scene, file), n)); }
        }
        for (const { process, descriptors, mappings } of state.processes) {
            const old = before.processes.find((other) => other.process === process);
            if (!old) { said.push(say(WORDS.forked, process)); continue; }
            for (const { name } of descriptors) { if (!old.descriptors.some((other) => other.name === name)) { said.push(say(WORDS.opened, process, name)); } }
            for (const { name, pages } of mappings) {
                const was = old.mappings.find((other) => other.name === name);
                if (!was) { said.push(say(WORDS.mapped, process, name)); }
                if (was && was.pages.length !== pages.length) { said.push(say(WORDS.lengthens, name, process, pages.length)); }
                if (was?.pages.some((page, n) => page !== null && pages[n] === null)) { said.push(say(WORDS.unmaps, name, process)); }
                if (was?.pages.some((page, n) => page && pages[n] && page.protection !== pages[n].protection)) { said.push(say(WORDS.protects, name, process)); }
            }
            for (const { name } of old.mappings) { if (!mappings.some((other) => other.name === name)) { said.push(say(WORDS.unmaps, name, process)); } }
        }
        for (const event of made.slice(0, 3)) {
            const was = dropped.find(at(event));
            said.push(was ? say(WORDS.replaced, event.page, event.mapping, event.process, event.copy, was.copy) : say(WORDS.made, event.page, event.mapping, event.process, event.copy));
        }
        for (const event of dropped.filter((event) => !made.some(at(event))).slice(0, 3)) { said.push(say(WORDS.dropped, event.copy, event.page, event.mapping, event.process)); }
        for (const event of events) {
            if (event.kind === "pages_cut_off") {
                const name = titleOf(scene, of(event.file));
                said.push(event.count === 1 ? say(WORDS.cut, name, event.first) : say(WORDS.cuts, name, event.count));
            }
            if (event.kind === "file_gone") { said.push(say(WORDS.file_gone, titleOf(scene, of(event.file)))); }
            if (event.kind === "process_gone") { said.push(say(WORDS.process_gone, event.process, event.how)); }
        }
        return said;
    };

    return { scenes, draw, changes };
})();
