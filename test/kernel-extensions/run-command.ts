import { main } from '../../kernel-extensions/src/cli';

void main(process.argv);
