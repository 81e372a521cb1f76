import { memoryInProcess, memorySealed, pkcs8File } from '../targets.ts';
import { testConformance } from './conforms.ts';

testConformance('memory', memoryInProcess);
testConformance('memory, sealed', memorySealed);
testConformance('example', pkcs8File);
