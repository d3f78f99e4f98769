// A server with the stock OpenFeature SDK; what it finds is printed as JSON.
import { OpenFeature } from '@openfeature/server-sdk'
import { OFREPProvider } from '@openfeature/ofrep-provider'

const [base, key] = process.argv.slice(2)
await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: base, headers: [['Authorization', 'Bearer ' + key]] }))
const client = OpenFeature.getClient()
const about = { targetingKey: 'visitor-1', tier: 'gold' }
console.log(JSON.stringify({
  text: await client.getStringDetails('greeting', 'code default', about),
  flag: await client.getBooleanDetails('gold', false, about),
  missing: await client.getBooleanDetails('nobody', true, about),
}))
