import { renderChatTemplate } from '../../sdk/src/tokenizers/chat-template';
import { HOSTILE_TEMPLATES } from './hostile-templates';

// Renders each in turn; the process is started with too little memory to do what they ask.
const said = Object.entries(HOSTILE_TEMPLATES).map(([name, template]) => {
  try {
    return [name, renderChatTemplate(template, [], false).length];
  } catch (error) {
    return [name, (error as Error).message];
  }
});
process.stdout.write(JSON.stringify(Object.fromEntries(said)));
