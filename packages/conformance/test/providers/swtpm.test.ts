import { softwareTpm } from '../targets.ts';
import { testConformance } from './conforms.ts';

testConformance('swtpm', softwareTpm);
