// A page with the stock OpenFeature SDK, as its documentation has it.
import { OpenFeature, ProviderEvents } from '@openfeature/web-sdk'
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider'

const at = new URLSearchParams(location.search)
const client = OpenFeature.getClient()
const show = () => {
  const d = client.getStringDetails('greeting', 'code default')
  const p = document.getElementById('greeting')
  p.textContent = p.dataset.says = `${d.value}/${d.reason}`
}
client.addHandler(ProviderEvents.Ready, show)
client.addHandler(ProviderEvents.ConfigurationChanged, show)
client.addHandler(ProviderEvents.Error, (e) => console.error(JSON.stringify(e)))
await OpenFeature.setContext({ targetingKey: 'visitor-1' })
OpenFeature.setProvider(new OFREPWebProvider({ baseUrl: at.get('server'), headers: [['Authorization', 'Bearer ' + at.get('key')]], cacheMode: 'disabled' }))
