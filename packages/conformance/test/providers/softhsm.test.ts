import { softHsm } from '../targets.ts';
import { testConformance } from './conforms.ts';

testConformance('SoftHSM', softHsm);
