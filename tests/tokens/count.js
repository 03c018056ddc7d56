// Reads a JSON list of texts from stdin; writes the most tokens that either table makes of each.
import { Tiktoken } from "js-tiktoken/lite";
import cl100k from "js-tiktoken/ranks/cl100k_base";
import o200k from "js-tiktoken/ranks/o200k_base";

const tables = [new Tiktoken(o200k), new Tiktoken(cl100k)];
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const texts = JSON.parse(Buffer.concat(chunks).toString("utf8"));
const most = (text) => Math.max(...tables.map((table) => table.encode(text, [], []).length));
process.stdout.write(JSON.stringify(texts.map(most)));
