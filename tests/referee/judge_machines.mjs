// Reads {name: definition} from standard input and answers {name: null, or what asl-validator complains of}. What
// breaks it is refused as well.

import validate from 'asl-validator'

let text = ''
for await (const part of process.stdin) text += part

function complaint(definition) {
  try {
    const answer = validate(definition)
    return answer.isValid ? null : answer.errorsText()
  } catch (error) {
    return `it broke: ${error.message}`
  }
}

const judged = Object.entries(JSON.parse(text)).map(([name, definition]) => [name, complaint(definition)])
console.log(JSON.stringify(Object.fromEntries(judged)))
